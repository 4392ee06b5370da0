export { createEncodeHandler, type EncodeHandlerParts } from './encode-handler.ts';
export { encodePicture } from './encode-picture.ts';
export {
  createVisionEncoder,
  type LocalVisionEncoder,
  type Preprocess,
  type VisionEncoderOptions,
} from './vision-encoder.ts';
export { createVisionGraph, type VisionGraph } from './vision-graph.ts';
