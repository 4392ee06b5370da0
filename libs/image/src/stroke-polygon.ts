import type { RgbImage } from './rgb-image.ts';

/** A place in pixels, origin top left. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

/** Red, green and blue, 0 to 255. */
export type Colour = readonly [number, number, number];

/** Paints the closed outline through `points`, `width` pixels wide; what lies outside of the picture is left out. */
export function strokePolygon(canvas: RgbImage, points: readonly Point[], width: number, colour: Colour): void {
  for (const [i, from] of points.entries())
    strokeLine(canvas, from, points[(i + 1) % points.length] ?? from, width, colour);
}

function strokeLine(canvas: RgbImage, from: Point, to: Point, width: number, colour: Colour): void {
  const reach = width / 2;
  const [left, right] = [Math.min(from.x, to.x) - reach, Math.max(from.x, to.x) + reach];
  const [top, bottom] = [Math.min(from.y, to.y) - reach, Math.max(from.y, to.y) + reach];
  for (let y = Math.max(0, Math.floor(top)); y <= Math.min(canvas.height - 1, bottom); y++) {
    for (let x = Math.max(0, Math.floor(left)); x <= Math.min(canvas.width - 1, right); x++) {
      if (distanceToLine({ x, y }, from, to) <= reach) canvas.data.set(colour, (y * canvas.width + x) * 3);
    }
  }
}

/** From a point to the nearest one between `from` and `to`. */
function distanceToLine(point: Point, from: Point, to: Point): number {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const squared = dx * dx + dy * dy;
  const along = squared === 0 ? 0 : ((point.x - from.x) * dx + (point.y - from.y) * dy) / squared;
  const t = Math.min(1, Math.max(0, along));
  return Math.hypot(point.x - from.x - t * dx, point.y - from.y - t * dy);
}
