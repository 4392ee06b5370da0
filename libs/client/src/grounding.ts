import type { Box } from './answer.ts';

/** A size in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/**
 * A piece of an answer as people read it: plain text, or words that point at something. `groundings` are indices into the answer's
 * `grounding`, in order; words are empty where a box stands alone.
 */
export type Segment =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'reference'; readonly text: string; readonly groundings: readonly number[] };

const TAGS: readonly string[] = ['<ref>', '</ref>', '<box>', '</box>', '<quad>', '</quad>'];
const STRAY_TAG = /<\/?(?:ref|box|quad)>/g;
const MARKUP = /<ref>(.*?)(?:<\/ref>|$)|<(box|quad)>(.*?)(<\/\2>|$)/gs;
const CORNERS = /^\s*\(\s*\d+\s*,\s*\d+\s*\)(?:\s*,\s*\(\s*\d+\s*,\s*\d+\s*\)){1,3}\s*$/;

/** Cuts off an end that may become a tag. */
const withoutTagStart = (text: string): string => {
  const start = text.lastIndexOf('<');
  const end = text.slice(Math.max(start, 0));
  return start >= 0 && TAGS.some((tag) => tag.startsWith(end) && tag !== end) ? text.slice(0, start) : text;
};

/**
 * Turns the raw text of an answer into what people read: `<ref>` words become references, boxes disappear. Of an answer that is still
 * `growing` nothing is shown that a later piece would take back.
 */
export const parseSegments = (raw: string, { growing = false }: { readonly growing?: boolean } = {}): Segment[] => {
  const text = growing ? withoutTagStart(raw) : raw;
  const segments: Segment[] = [];
  /** Where the next box belongs: to the words just before it. */
  let groundings: number[] | undefined;
  let count = 0;
  let end = 0;
  const pushText = (between: string): void => {
    const visible = between.replace(STRAY_TAG, '');
    if (visible.trim() !== '') groundings = undefined;
    if (visible !== '') segments.push({ kind: 'text', text: visible });
  };
  for (const { 0: whole, 1: words = '', 2: shape, 3: corners = '', 4: closing, index } of text.matchAll(MARKUP)) {
    pushText(text.slice(end, index));
    end = index + whole.length;
    if (shape === undefined) {
      groundings = [];
      segments.push({ kind: 'reference', text: words.replace(STRAY_TAG, ''), groundings });
    } else if (closing !== '' && CORNERS.test(corners)) {
      if (groundings === undefined) {
        groundings = [];
        segments.push({ kind: 'reference', text: '', groundings });
      }
      groundings.push(count++);
    }
  }
  pushText(text.slice(end));
  return segments;
};

/** The words of an answer without any markup. */
export const plainText = (raw: string): string =>
  parseSegments(raw)
    .map(({ text }) => text)
    .join('');

/** The box on a picture that is displayed at another size than it has. */
export const scaleBox = ({ x1, y1, x2, y2 }: Box, from: Size, to: Size): Box => {
  const [across, down] = [to.width / from.width, to.height / from.height];
  return { x1: x1 * across, y1: y1 * down, x2: x2 * across, y2: y2 * down };
};
