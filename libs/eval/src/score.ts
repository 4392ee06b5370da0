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

/** Corners of a box: x1, y1, x2, y2. */
export type Box = readonly [number, number, number, number];

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

/** Every `(x1,y1),(x2,y2)` of a text, in order. */
export function findBoxes(text: string): readonly Box[] {
  return Array.from(text.matchAll(/\((\d+),(\d+)\),\((\d+),(\d+)\)/g), ([, x1, y1, x2, y2]) => [
    Number(x1),
    Number(y1),
    Number(x2),
    Number(y2),
  ]);
}

/** Area of the intersection over area of the union; 0 for boxes that do not overlap. */
export function iou(a: Box, b: Box): number {
  const width = Math.min(a[2], b[2]) - Math.max(a[0], b[0]);
  const height = Math.min(a[3], b[3]) - Math.max(a[1], b[1]);
  if (width <= 0 || height <= 0) return 0;
  const shared = width * height;
  return shared / (area(a) + area(b) - shared);
}

function area([x1, y1, x2, y2]: Box): number {
  return (x2 - x1) * (y2 - y1);
}
