/**
 * A piece of an answer as shown: plain text, or words that point at something. `groundings` are indices into the
 * groundings that the server sent for this answer, in order; words are empty where a box stands alone.
 *
 * @typedef {{ kind: 'text', text: string } | { kind: 'reference', text: string, groundings: number[] }} Segment
 */

const TAGS = ['<ref>', '</ref>', '<box>', '</box>', '<quad>', '</quad>'];
const STRAY_TAG = /<\/?(?:ref|box|quad)>/g;
const MARKUP = /<ref>(.*?)(?:<\/ref>|$)|<(box|quad)>(.*?)(<\/\2>|$)/gs;
const CORNERS = /^\s*\(\s*\d+\s*,\s*\d+\s*\)(?:\s*,\s*\(\s*\d+\s*,\s*\d+\s*\)){1,3}\s*$/;

/**
 * Turns the raw text of an answer, complete or still growing, into what is shown: `<ref>` words become references, boxes and
 * quads disappear. Of a growing text nothing is shown that a later piece would take back.
 *
 * @param {string} raw
 * @param {boolean} growing
 * @returns {Segment[]}
 */
export function parseAnswer(raw, growing) {
  const text = growing ? withoutTagStart(raw) : raw;
  /** @type {Segment[]} */
  const segments = [];
  /** @type {number[] | undefined} Where the next box belongs: to the words just before it. */
  let groundings;
  let count = 0;
  let end = 0;
  const pushText = (/** @type {string} */ between) => {
    const visible = between.replace(STRAY_TAG, '');
    if (visible.trim() !== '') groundings = undefined;
    if (visible !== '') segments.push({ kind: 'text', text: visible });
  };
  for (const match of text.matchAll(MARKUP)) {
    pushText(text.slice(end, match.index));
    end = match.index + match[0].length;
    if (match[2] === undefined) {
      groundings = [];
      segments.push({ kind: 'reference', text: (match[1] ?? '').replace(STRAY_TAG, ''), groundings });
    } else if (match[4] !== '' && CORNERS.test(match[3] ?? '')) {
      if (groundings === undefined) {
        groundings = [];
        segments.push({ kind: 'reference', text: '', groundings });
      }
      groundings.push(count++);
    }
  }
  pushText(text.slice(end));
  return segments;
}

/** The words of an answer without any markup. @param {string} raw */
export const plainText = (raw) =>
  parseAnswer(raw, false)
    .map((segment) => segment.text)
    .join('');

/** Cuts off an end that may become a tag. @param {string} text */
function withoutTagStart(text) {
  const start = text.lastIndexOf('<');
  return start >= 0 && TAGS.some((tag) => tag.startsWith(text.slice(start))) && !TAGS.includes(text.slice(start))
    ? text.slice(0, start)
    : text;
}
