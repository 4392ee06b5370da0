export { type OwnerState, ownerState, processOwner } from './folder-owner.ts';
export { lastWriteMs } from './last-write.ts';
export { makeFolder } from './make-folder.ts';
export { claimPartial, type PartialFolder, sweepPartials } from './partial-folder.ts';
