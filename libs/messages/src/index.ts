export { readEmbedding, toEmbeddingMessage } from './embedding-message.ts';
export { refuse, shortText, within } from './field.ts';
