import sharp from 'sharp';
import { decodeImage } from './decode-image.ts';
import { drawLabel, isWritable } from './draw-label.ts';
import { type Colour, type Point, strokePolygon } from './stroke-polygon.ts';

/** Something on a picture that is pointed at. */
export interface Mark {
  /** Corners in pixels of the picture as shown. */
  readonly corners: readonly Point[];
  /** Stands in front of the text, and alone where the machine has no font for the text. */
  readonly number: number;
  readonly text: string;
}

/** Told apart by people with and without colour vision: Okabe and Ito, "Color Universal Design", 2008; black left out. */
const COLOURS: readonly Colour[] = [
  [213, 94, 0],
  [0, 114, 178],
  [0, 158, 115],
  [204, 121, 167],
  [230, 159, 0],
  [86, 180, 233],
  [240, 228, 66],
];

const WHITE: Colour = [255, 255, 255];

const JPEG_QUALITY = 92;

/**
 * The picture as a viewer shows it, and so as the model saw it, with coloured outlines and labels on it.
 *
 * @throws EideticError as `decodeImage` does.
 */
export async function annotateImage(
  bytes: Uint8Array,
  marks: readonly Mark[],
  format: 'jpeg' | 'png' = 'jpeg',
): Promise<Uint8Array> {
  const canvas = await decodeImage(bytes);
  const { width, height } = canvas;
  const side = Math.min(width, height);
  const lineWidth = Math.max(2, Math.round(side / 200));
  const sizePixels = Math.max(10, Math.round(side / 32));
  const colourOf = ({ number }: Mark): Colour => COLOURS[(number - 1) % COLOURS.length] ?? WHITE;
  for (const mark of marks) {
    // On a background of its own colour a line would not be seen.
    strokePolygon(canvas, mark.corners, lineWidth + 2, WHITE);
    strokePolygon(canvas, mark.corners, lineWidth, colourOf(mark));
  }
  // Labels last: no line goes through one.
  for (const mark of marks) {
    const text = mark.text !== '' && (await isWritable(mark.text)) ? `${mark.number} ${mark.text}` : `${mark.number}`;
    const place = {
      x: Math.min(...mark.corners.map(({ x }) => x)) - lineWidth / 2,
      y: Math.min(...mark.corners.map(({ y }) => y)) - lineWidth / 2,
    };
    await drawLabel(canvas, text, place, { sizePixels, colour: colourOf(mark) });
  }
  const drawn = sharp(canvas.data, { raw: { width, height, channels: 3 } });
  const written = format === 'png' ? drawn.png() : drawn.jpeg({ quality: JPEG_QUALITY, chromaSubsampling: '4:4:4' });
  return written.toBuffer();
}
