import { findBoxes, iou } from './box.ts';

/** How an answer compares with the one that was wanted. */
export interface Score {
  /** Equal but for white space and full stops at the end. */
  readonly exact: boolean;
  /** Only where the wanted answer holds boxes. */
  readonly boxes?: {
    /** Mean intersection over union; boxes are compared in order, a missing one counts 0. */
    readonly meanIou: number;
    /** Share of the wanted boxes that reach an intersection over union of 0.5. */
    readonly found: number;
  };
}

/** Compares an answer with the wanted one. */
export function scoreAnswer(wanted: string, given: string): Score {
  const exact = normalise(wanted) === normalise(given);
  const wantedBoxes = findBoxes(wanted);
  if (wantedBoxes.length === 0) return { exact };
  const givenBoxes = findBoxes(given);
  const ious = wantedBoxes.map((box, index) => iou(box, givenBoxes[index] ?? [0, 0, 0, 0]));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return { exact, boxes: { meanIou: mean(ious), found: mean(ious.map((value) => Number(value >= 0.5))) } };
}

/** White space at the ends and full stops after them removed, every other run of white space made one space. */
export function normalise(text: string): string {
  return text
    .trim()
    .replace(/[.。]+$/, '')
    .replace(/\s+/g, ' ');
}
