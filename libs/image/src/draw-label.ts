import sharp from 'sharp';
import type { RgbImage } from './rgb-image.ts';
import type { Colour, Point } from './stroke-polygon.ts';

const FONT = 'sans-serif bold';

/** Ink that counts as covered, of 255. */
const INK = 64;

/** Pango reads markup: https://docs.gtk.org/Pango/pango_markup.html */
const escapeMarkup = (text: string): string =>
  text
    // Control characters are not allowed in markup at all.
    .replaceAll(/\p{Cc}/gu, ' ')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');

const hex = (colour: Colour): string => `#${colour.map((part) => part.toString(16).padStart(2, '0')).join('')}`;

/** Black or white, whichever is read better on the colour: by luma, ITU-R BT.601. */
const inkOn = ([red, green, blue]: Colour): Colour =>
  0.299 * red + 0.587 * green + 0.114 * blue > 140 ? [0, 0, 0] : [255, 255, 255];

interface Rendered {
  readonly width: number;
  readonly height: number;
  /** Red, green, blue, coverage. */
  readonly data: Uint8Array;
}

const render = async (text: string, sizePixels: number, ink: Colour): Promise<Rendered> => {
  const markup = `<span foreground="${hex(ink)}">${escapeMarkup(text)}</span>`;
  // At 72 dots per inch a point is a pixel.
  const image = sharp({ text: { text: markup, font: `${FONT} ${sizePixels}`, dpi: 72, rgba: true } });
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  return { width: info.width, height: info.height, data };
};

let hanReadable: Promise<boolean> | undefined;

/** Whether a font of this machine has Chinese characters. Where none has, Pango draws a frame with the code point in it. */
const hasHanFont = async (): Promise<boolean> => {
  const { width, height, data } = await render('中', 16, [0, 0, 0]);
  const inkIn = (at: (i: number) => number, count: number): number =>
    Array.from({ length: count }, (_, i) => data[4 * at(i) + 3] ?? 0).filter((alpha) => alpha > INK).length / count;
  const framed =
    inkIn((x) => x, width) > 0.8 &&
    inkIn((x) => (height - 1) * width + x, width) > 0.8 &&
    inkIn((y) => y * width + width - 1, height) > 0.8;
  return !framed;
};

/** Whether a text can be written with the fonts of this machine, Chinese among it. */
export async function isWritable(text: string): Promise<boolean> {
  if (!/\p{Script=Han}/u.test(text)) return true;
  hanReadable ??= hasHanFont();
  return hanReadable;
}

/** Longest text of a label; more is cut. */
const MAX_CHARACTERS = 40;

/**
 * Writes a text on a plate of the colour whose bottom left corner is at `place`, or as near as it can be to be whole within the picture.
 */
export async function drawLabel(
  canvas: RgbImage,
  text: string,
  place: Point,
  { sizePixels, colour }: { readonly sizePixels: number; readonly colour: Colour },
): Promise<void> {
  const characters = [...text];
  const shown = characters.length > MAX_CHARACTERS ? `${characters.slice(0, MAX_CHARACTERS).join('')}…` : text;
  const label = await render(shown, sizePixels, inkOn(colour));
  const padding = Math.max(2, Math.round(sizePixels / 4));
  const [width, height] = [label.width + 2 * padding, label.height + 2 * padding];
  const left = Math.round(Math.max(0, Math.min(place.x, canvas.width - width)));
  const top = Math.round(Math.max(0, Math.min(place.y - height, canvas.height - height)));
  for (let y = top; y < Math.min(canvas.height, top + height); y++) {
    for (let x = left; x < Math.min(canvas.width, left + width); x++) {
      paint(canvas, { x, y }, colour, label, { x: x - left - padding, y: y - top - padding });
    }
  }
}

/** One pixel of the plate, with what of the label covers it. */
function paint(canvas: RgbImage, at: Point, plate: Colour, label: Rendered, inLabel: Point): void {
  const inside = inLabel.x >= 0 && inLabel.x < label.width && inLabel.y >= 0 && inLabel.y < label.height;
  const source = 4 * (inLabel.y * label.width + inLabel.x);
  const coverage = inside ? (label.data[source + 3] ?? 0) / 255 : 0;
  const target = 3 * (at.y * canvas.width + at.x);
  for (const [channel, under] of plate.entries()) {
    canvas.data[target + channel] = Math.round(under + coverage * ((label.data[source + channel] ?? 0) - under));
  }
}
