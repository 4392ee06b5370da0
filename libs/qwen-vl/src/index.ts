export {
  type GenerationDefaults,
  parseConfig,
  parseGenerationConfig,
  type QwenVlConfig,
  type VisualConfig,
} from './config.ts';
export { createPreprocess } from './preprocess.ts';
