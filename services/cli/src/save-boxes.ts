import { writeFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Grounding } from '@eidetic/client';
import { EideticError } from '@eidetic/core';
import { annotateImage, type Mark } from '@eidetic/image';
import type { ChatPicture } from './chat-picture.ts';

/** A copy of a picture with the boxes of an answer on it. */
export interface SavedBoxes {
  readonly picture: string;
  readonly path: string;
}

const markOf = ({ text, box: { x1, y1, x2, y2 }, quad }: Grounding, index: number): Mark => ({
  number: index + 1,
  text,
  corners: quad ?? [
    { x: x1, y: y1 },
    { x: x2, y: y1 },
    { x: x2, y: y2 },
    { x: x1, y: y2 },
  ],
});

const FORMATS: Readonly<Record<string, 'jpeg' | 'png'>> = { '.jpg': 'jpeg', '.jpeg': 'jpeg', '.png': 'png' };

/** What a copy of that name is written as; undefined: nothing that can be written. */
export const boxesFormat = (path: string): 'jpeg' | 'png' | undefined => FORMATS[extname(path).toLowerCase()];

/**
 * Writes a copy of each picture that an answer points at; pictures given by an address have none, as their bytes are not here.
 *
 * @param output instead of `NAME.boxes.jpg`; {@link boxesFormat} knows what it is written as
 * @throws EideticError `invalid_config` if a copy cannot be written.
 */
export async function saveBoxes(
  grounding: readonly Grounding[],
  pictures: readonly ChatPicture[],
  output: string | undefined,
): Promise<readonly SavedBoxes[]> {
  const saved: SavedBoxes[] = [];
  for (const [imageIndex, { name, source, boxesPath }] of pictures.entries()) {
    const marks = grounding.flatMap((each, i) => (each.imageIndex === imageIndex ? [markOf(each, i)] : []));
    if (marks.length === 0 || typeof source === 'string') continue;
    const path = output ?? boxesPath;
    const bytes = await annotateImage(source, marks, boxesFormat(path));
    await writeFile(path, bytes).catch((cause: Error) => {
      const message = `The picture with boxes cannot be written to ${path} (${cause.message}). Name another file with --output.`;
      throw new EideticError('invalid_config', message, { cause });
    });
    saved.push({ picture: name, path });
  }
  return saved;
}
