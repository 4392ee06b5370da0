/**
 * @import { Chunk, ContentPart, Grounding, Message, SeenImage, Timings, Usage } from './api.js'
 * @import { Example } from './examples.js'
 * @import { Failure } from './failure.js'
 */

/**
 * A picture of the dialog. `imageId` is known once the server has seen it.
 *
 * @typedef {{ blob: Blob, url: string, width: number, height: number, example?: Example, imageId?: string }} Picture
 *
 * @typedef {object} Answer
 * @property {'waiting' | 'growing' | 'done' | 'stopped' | 'failed'} state
 * @property {string} raw as the model wrote it, tags included
 * @property {Grounding[]} groundings
 * @property {SeenImage[]} images
 * @property {Usage} [usage]
 * @property {Timings} [timings]
 * @property {boolean} [cutOff] whether it ended at the length limit
 * @property {Failure} [error]
 *
 * @typedef {{ question: string, pictures: Picture[], answer: Answer }} Exchange
 */

/** An answer before its first token. @returns {Answer} */
export const newAnswer = () => ({ state: 'waiting', raw: '', groundings: [], images: [] });

/** All pictures that the exchanges hold, in the order in which a request names them. @param {Exchange[]} exchanges */
export const picturesOf = (exchanges) => exchanges.flatMap(({ pictures }) => pictures);

/**
 * Adds what a chunk brings.
 *
 * @param {Answer} answer
 * @param {Chunk} chunk
 */
export function addChunk(answer, chunk) {
  const choice = chunk.choices?.[0];
  const delta = choice?.delta;
  if (delta?.content) {
    answer.state = 'growing';
    answer.raw += delta.content;
  }
  if (choice?.finish_reason === 'length') answer.cutOff = true;
  answer.groundings.push(...(delta?.grounding ?? []));
  answer.images = chunk.eidetic?.images ?? answer.images;
  answer.usage = chunk.usage ?? answer.usage;
  answer.timings = chunk.eidetic?.timings ?? answer.timings;
}

/** Tokens per second after the first; undefined where there is nothing to measure. @param {Answer} answer */
export function tokensPerSecond({ usage, timings }) {
  if (!usage || !timings || usage.completion_tokens < 2 || timings.totalMs <= timings.firstTokenMs) return undefined;
  return ((usage.completion_tokens - 1) * 1000) / (timings.totalMs - timings.firstTokenMs);
}

/**
 * The messages that ask for the last exchange's answer. A question that got no answer is left out; its pictures move to the
 * next one, so that pictures keep their order.
 *
 * @param {Exchange[]} exchanges
 * @param {(picture: Picture) => Promise<string>} urlOf
 * @returns {Promise<Message[]>}
 */
export async function toMessages(exchanges, urlOf) {
  /** @type {Message[]} */
  const messages = [];
  /** @type {ContentPart[]} */
  let content = [];
  for (const { question, pictures, answer } of exchanges) {
    for (const picture of pictures) content.push({ type: 'image_url', image_url: { url: await urlOf(picture) } });
    const isLast = answer === exchanges.at(-1)?.answer;
    if (answer.raw === '' && !isLast) continue;
    messages.push({ role: 'user', content: [...content, { type: 'text', text: question }] });
    content = [];
    if (!isLast) messages.push({ role: 'assistant', content: answer.raw });
  }
  return messages;
}

/**
 * Where a picture's bytes are: on the server if it has seen them, else in the URL itself.
 *
 * @param {Picture} picture
 * @returns {Promise<string>}
 */
export async function pictureUrl({ imageId, blob }) {
  return imageId === undefined ? dataUrl(blob) : `eidetic://sha256/${imageId}`;
}

/** @param {Blob} blob @returns {Promise<string>} */
function dataUrl(blob) {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(blob);
  });
}
