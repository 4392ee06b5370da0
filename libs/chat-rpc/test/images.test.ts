import { BodyBudget, EideticError } from '@eidetic/core';
import { ElementType, ImageServiceDefinition } from '@eidetic/proto';
import { expect, it } from 'vitest';
import { IMAGES, serve } from './serve.ts';

/** On a machine that has other things to do. */
const SOON = { timeout: 10_000 };

const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => i);

const pieces = (sizeBytes: number, ...lengths: readonly number[]) =>
  lengths.map((length, i) => ({ sizeBytes: i === 0 ? sizeBytes : 0, chunk: bytes(length) }));

it('takes a picture in pieces, and tells its id and size', async () => {
  const uploaded: Uint8Array[] = [];
  const images = {
    ...IMAGES,
    upload: (...args: Parameters<typeof IMAGES.upload>) => {
      uploaded.push(args[0]);
      return IMAGES.upload(...args);
    },
  };
  const { channel } = await serve({ images });
  const answer = await channel.upload(ImageServiceDefinition, 'upload', pieces(6, 0, 3, 1, 2, 0));
  expect(answer).toEqual({ imageId: '6', width: 2, height: 1 });
  expect(uploaded.map((whole) => [...whole])).toEqual([[0, 1, 2, 0, 0, 1]]);
});

it.each([
  ['no message', [], 'size_bytes', 'invalid_request'],
  ['no size', pieces(0, 3), 'size_bytes', 'invalid_request'],
  ['too large a size', pieces(1001, 3), 'size_bytes', 'image_too_large'],
  ['fewer bytes', pieces(7, 3, 3), 'chunk', 'invalid_request'],
  ['more bytes', pieces(5, 3, 3), 'chunk', 'invalid_request'],
])('refuses an upload with %s', async (_, messages, param, code) => {
  const { channel } = await serve();
  const answer = channel.upload(ImageServiceDefinition, 'upload', messages);
  await expect(answer).rejects.toMatchObject({ code, details: { param } });
});

it('holds the memory of an upload until it is done, and gives it back', async () => {
  const { channel, ended } = await serve({ bodies: new BodyBudget(1000) });
  const more = Promise.withResolvers<void>();
  async function* slow() {
    yield { sizeBytes: 800, chunk: bytes(100) };
    await more.promise;
    yield { sizeBytes: 0, chunk: bytes(700) };
  }
  const first = channel.upload(ImageServiceDefinition, 'upload', slow());
  await expect
    .poll(() => channel.upload(ImageServiceDefinition, 'upload', pieces(300, 300)).catch(({ code }) => code), SOON)
    .toBe('overloaded');
  more.resolve();
  expect(await first).toMatchObject({ imageId: '800' });
  expect(await channel.upload(ImageServiceDefinition, 'upload', pieces(900, 900))).toMatchObject({ imageId: '900' });
  expect(ended.at(-1)).toMatchObject({ method: '/eidetic.v1.ImageService/Upload', code: 'ok' });
});

it('gives an embedding as it is, bit for bit', async () => {
  const { channel } = await serve();
  const image = { source: { $case: 'data', value: bytes(4) } } as const;
  const answer = await channel.unary(ImageServiceDefinition, 'encode', { image });
  const { data = bytes(0), ...shape } = answer.embedding ?? {};
  expect(answer).toMatchObject({ imageId: 'ab12', cached: true });
  expect(shape).toEqual({
    tokens: 1,
    hidden: 2,
    imageWidth: 2,
    imageHeight: 1,
    elementType: ElementType.ELEMENT_TYPE_FLOAT32,
  });
  expect([...new Float32Array(new Uint8Array(data).buffer)]).toEqual([0.5, -2]);
});

it.each([
  [undefined, 'image'],
  [{ source: undefined }, 'image'],
  [{ source: { $case: 'imageId', value: 'x' } }, 'image.image_id'],
] as const)('refuses to encode %o', async (image, param) => {
  const { channel } = await serve();
  const answer = channel.unary(ImageServiceDefinition, 'encode', { image });
  await expect(answer).rejects.toMatchObject({ code: 'invalid_request', details: { param } });
});

it('lets nobody in without a key, before a picture is read', async () => {
  const refuse = async () => {
    throw new EideticError('invalid_api_key', 'Bring a key.');
  };
  const { channel } = await serve({ access: { admit: refuse } });
  const read: number[] = [];
  function* watched() {
    for (const piece of pieces(900, ...Array.from({ length: 900 }, () => 1))) {
      read.push(piece.chunk.length);
      yield piece;
    }
  }
  const answer = channel.upload(ImageServiceDefinition, 'upload', watched());
  await expect(answer).rejects.toMatchObject({ code: 'invalid_api_key' });
  const encoded = channel.unary(ImageServiceDefinition, 'encode', { image: undefined });
  await expect(encoded).rejects.toMatchObject({ code: 'invalid_api_key' });
});
