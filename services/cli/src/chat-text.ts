import { type ChatAnswer, type Grounding, parseSegments } from '@eidetic/client';

/**
 * An answer as it is printed: tags go, and words that point at something carry the numbers of their boxes, as in "the train [1]". What
 * is printed of a growing answer is how all later ones begin.
 */
export const readableText = (raw: string, { growing = false } = {}): string =>
  parseSegments(raw, { growing })
    .map((segment) => {
      const numbers = segment.kind === 'reference' ? segment.groundings.map((index) => `[${index + 1}]`) : [];
      return [segment.text, ...numbers].filter((part) => part !== '').join(' ');
    })
    .join('');

/** A box in words; `pictures` are the names of all pictures of the dialog. */
export const describeBox = (
  { text, box, imageIndex }: Grounding,
  index: number,
  pictures: readonly string[],
): string => {
  const [x1, y1, x2, y2] = [box.x1, box.y1, box.x2, box.y2].map(Math.round);
  const where = pictures.length > 1 ? ` in ${pictures[imageIndex]}` : '';
  return `[${index + 1}] ${text === '' ? '' : `${text}: `}(${x1}, ${y1}) to (${x2}, ${y2})${where}`;
};

const seconds = (ms: number): string => (ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);

/** How fast an answer came, and what the server did not have to compute again. Times are milliseconds, as the client saw them. */
export const closingLine = (
  { usage, images }: Pick<ChatAnswer, 'usage' | 'images'>,
  { firstTokenMs, totalMs }: { readonly firstTokenMs: number; readonly totalMs: number },
): string => {
  const known = images.filter(({ cached }) => cached).length;
  const reused = [
    `${usage.prompt_tokens_details.cached_tokens} of ${usage.prompt_tokens} prompt tokens`,
    ...(images.length === 0 ? [] : [`${known} of ${images.length} picture${images.length === 1 ? '' : 's'}`]),
  ];
  return `First token after ${seconds(firstTokenMs)}, ${usage.completion_tokens} tokens in ${seconds(totalMs)}. Reused: ${reused.join(', ')}.`;
};
