import { EideticError } from '@eidetic/core';
import { expect, it } from 'vitest';
import { encodePicture } from './encode-picture.ts';

it('leaves as soon as its signal says so, whatever the encoder is at', async () => {
  const busy = { fingerprint: 'busy', tokensPerImage: 4, encode: () => new Promise<never>(() => undefined) };
  const leaving = new AbortController();
  const left = encodePicture(busy, new Uint8Array(1), leaving.signal);
  leaving.abort(new EideticError('deadline_exceeded', 'Time is up.'));
  await expect(left).rejects.toMatchObject({ code: 'deadline_exceeded' });
});
