export {
  type GenerationDefaults,
  parseConfig,
  parseGenerationConfig,
  type QwenVlConfig,
  type VisualConfig,
} from './config.ts';
export { createQwenVlFamily } from './family.ts';
export { plainText } from './grounding.ts';
export { createPreprocess } from './preprocess.ts';
export { type Vocabulary, vocabularyOf } from './vocabulary.ts';
