import { type Box, iou } from '../box.ts';
import { meanMetric } from './metric.ts';

/** A box to find in a picture. */
export interface WantedBox {
  /** In pixels. */
  readonly box: Box;
  /** Of the picture, in pixels. */
  readonly width: number;
  readonly height: number;
}

// Boxes are written in a frame of 1000 × 1000, whose last row and column are 999.
const LAST_OF_FRAME = 999;
const THRESHOLD = 0.5;

/**
 * Share of the outputs whose first box `(x1,y1),(x2,y2)` overlaps the wanted one with an intersection over union of at least
 * 0.5, as RefCOCO is scored. The coordinates are turned into pixels as Qwen-VL's eval_mm/evaluate_grounding.py does: over
 * 999, times the size of the picture. An output without a box counts 0.
 */
export const boxAccuracy = meanMetric<WantedBox>((output, { box, width, height }) => {
  const found = firstBox(output);
  if (found === undefined) return 0;
  const [x1, y1, x2, y2] = found;
  const toX = (x: number) => (x / LAST_OF_FRAME) * width;
  const toY = (y: number) => (y / LAST_OF_FRAME) * height;
  return Number(iou([toX(x1), toY(y1), toX(x2), toY(y2)], box) >= THRESHOLD);
});

function firstBox(text: string): Box | undefined {
  const corners = /\((.*?)\),\((.*?)\)/
    .exec(text)
    ?.slice(1)
    .map((corner) => corner.split(','));
  const [x1, y1, x2, y2, ...more] = corners?.flat().map(coordinate) ?? [];
  if (corners?.some(({ length }) => length !== 2) || more.length > 0) return undefined;
  if (x1 === undefined || y1 === undefined || x2 === undefined || y2 === undefined) return undefined;
  return [x1, y1, x2, y2];
}

function coordinate(text: string): number | undefined {
  return /^\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*$/.test(text) ? Number(text) : undefined;
}
