/** Corners of a box: x1, y1, x2, y2. */
export type Box = readonly [number, number, number, number];

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
