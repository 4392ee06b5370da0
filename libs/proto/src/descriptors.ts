import { readFileSync } from 'node:fs';

/** Every file of `proto/` and what they import, as a serialised google.protobuf.FileDescriptorSet: what reflection answers from. */
export const readDescriptors = (): Uint8Array => readFileSync(new URL('../gen/descriptors.binpb', import.meta.url));
