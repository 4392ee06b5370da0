export { maxImagesPerCall } from './max-images.ts';
export {
  createRemoteVision,
  type EncodeOptions,
  type PictureJob,
  type PictureResult,
  type RemoteVision,
} from './remote-vision.ts';
export type { Picture, PictureEncoded, ServedVision, StageTimings, VisionLoad, VisionModel } from './served-vision.ts';
export { visionService } from './vision-service.ts';
