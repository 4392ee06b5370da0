export {
  createVisionEncoder,
  type LocalVisionEncoder,
  type Preprocess,
  type VisionEncoderOptions,
} from './vision-encoder.ts';
