import { EideticError, type ImageEmbedding } from '@eidetic/core';
import { ElementType, type Embedding } from '@eidetic/proto';
import { refuse, within } from './field.ts';

/** Pixels of one side, positions of one picture, numbers of one row: what is more is no such thing. */
const SIZE = { min: 1, max: 2 ** 20 };

/** The embedding as float32, so that the decoder computes what it would compute in this process. No copy is made. */
export const toEmbeddingMessage = ({ data, ...shape }: ImageEmbedding): Embedding => ({
  ...shape,
  elementType: ElementType.ELEMENT_TYPE_FLOAT32,
  data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
});

const ARRAY_TYPES = new Map<number, typeof Float32Array | typeof Float16Array>([
  [ElementType.ELEMENT_TYPE_FLOAT32, Float32Array],
  [ElementType.ELEMENT_TYPE_FLOAT16, Float16Array],
]);

/** Its numbers, in memory of their own: the message that they came in may go, and lies at any address. */
const numbersOf = ({ elementType, data, tokens, hidden }: Embedding, path: string): Float32Array<ArrayBuffer> => {
  const ArrayType = ARRAY_TYPES.get(elementType);
  if (!ArrayType) throw refuse(`${path}.element_type`, `${elementType} is not a type that is known`);
  const expected = tokens * hidden * ArrayType.BYTES_PER_ELEMENT;
  if (data.byteLength !== expected) {
    throw refuse(`${path}.data`, `${data.byteLength} bytes are not the ${expected} of ${tokens} x ${hidden}`);
  }
  const numbers = new ArrayType(new Uint8Array(data).buffer);
  return numbers instanceof Float32Array ? numbers : new Float32Array(numbers);
};

/**
 * Reads an embedding that a prompt has `tokens` positions for.
 *
 * @param path of the message in the request
 * @param hidden numbers that the model takes for each position
 * @throws EideticError `invalid_request` for a message that is none, `invalid_embedding` for one that the prompt has no use for.
 */
export const readEmbedding = (
  message: Embedding,
  path: string,
  { key, tokens, hidden }: { readonly key: string; readonly tokens: number; readonly hidden: number },
): ImageEmbedding => {
  within(`${path}.tokens`, message.tokens, SIZE);
  within(`${path}.hidden`, message.hidden, SIZE);
  const imageWidth = within(`${path}.image_width`, message.imageWidth, SIZE);
  const imageHeight = within(`${path}.image_height`, message.imageHeight, SIZE);
  const data = numbersOf(message, path);
  const invalid = (trouble: string): EideticError =>
    new EideticError('invalid_embedding', `${path}: the embedding ${key} ${trouble}. Encode the image again.`, {
      details: { keys: key, param: path },
    });
  if (message.tokens !== tokens || message.hidden !== hidden) {
    throw invalid(`is ${message.tokens} x ${message.hidden}, not ${tokens} x ${hidden}`);
  }
  if (data.some((x) => !Number.isFinite(x))) throw invalid('holds numbers that are not finite');
  return { data, tokens, hidden, imageWidth, imageHeight };
};
