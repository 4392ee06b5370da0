export { readEmbedding, toEmbeddingMessage } from './embedding-message.ts';
export { refuse, shortText, within } from './field.ts';
export { readGrammar, toGrammarMessage } from './grammar-message.ts';
export { readTopP, SAMPLING_BOUNDS } from './sampling-bounds.ts';
