export { type DecoderModel, decoderService, type ServedDecoder } from './decoder-service.ts';
export { createRemoteDecoder, type RemoteDecoder } from './remote-decoder.ts';
