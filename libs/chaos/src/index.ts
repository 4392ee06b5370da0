export { type AskedChat, askChat, type KnownChat } from './ask-chat.ts';
export { ChatLoad, type ChatLoadOptions, type ChatRecord } from './chat-load.ts';
export { type Fault, type FaultDurations, faultsOf } from './faults.ts';
export { type Impact, impactOf, inflict, type Struck } from './inflict.ts';
export { knownChats } from './known-chats.ts';
export { unseenPicture } from './unseen-picture.ts';
