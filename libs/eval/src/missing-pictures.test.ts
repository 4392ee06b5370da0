import { join } from 'node:path';
import { expect, it } from 'vitest';
import { missingPictures, withPictures } from './missing-pictures.ts';
import { pictureQuestion } from './question.ts';

const here = import.meta.dirname;
const asking = (id: string, ...paths: string[]) =>
  pictureQuestion(
    id,
    paths.map((path) => ({ type: 'image', image: join(here, path) })),
  );

it('names each picture that is not there once, and leaves out the questions about it', async () => {
  const questions = [
    asking('a', 'index.ts'),
    asking('b', 'index.ts', 'none.png'),
    asking('c', 'none.png'),
    asking('d', 'nowhere/1.png'),
    asking('e'),
  ];
  const missing = await missingPictures(questions, 'raw');
  expect([...missing]).toEqual([join(here, 'none.png'), join(here, 'nowhere/1.png')]);
  expect(withPictures(questions, 'raw', missing).map(({ id }) => id)).toEqual(['a', 'e']);
});
