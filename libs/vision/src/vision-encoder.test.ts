import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { EideticError, type EncodeResult } from '@eidetic/core';
import { Environment } from '@eidetic/ort';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createVisionEncoder, type LocalVisionEncoder, type Preprocess } from './vision-encoder.ts';

/**
 * opset 17: `image_features = Reshape(Log(Gather([0, 1, 2, 3], Cast(pixels))), [0, 4, 3])`, pixels uint8 [batch, 2, 2, 3]. A pixel value
 * of 0 makes -Infinity, one above 3 fails the run.
 */
const LOG_MODEL = Buffer.from(
  'CAg63QEKHAoGcGl4ZWxzEgFpIgRDYXN0KgkKAnRvGAagAQIKEQoBdAoBaRIBdiIGR2F0aGVyCgsKAXYSAWwiA0xvZwofCgFsCgFzEg5pbWFnZV9mZWF0dXJlcyIHUmVz' +
    'aGFwZRIBZyoZCAQQASIQAAAAAAAAgD8AAABAAABAQEIBdCoMCAMQBzoDAAQDQgFzWiUKBnBpeGVscxIbChkIAhIVCgcSBWJhdGNoCgIIAgoCCAIKAggDYikKDmltYWdlX2Zl' +
    'YXR1cmVzEhcKFQgBEhEKBxIFYmF0Y2gKAggECgIIA0IECgAQEQ==',
  'base64',
);
const PIXEL_BYTES = 12;
const vision = {
  graph: 'vision.onnx',
  precision: 'float32',
  imageSize: 2,
  tokensPerImage: 4,
  hidden: 3,
  fingerprint: 'log-model',
} as const;

/** "Decodes" to the bytes themselves; no bytes at all stand for a broken picture. */
const preprocess: Preprocess = async (bytes) => {
  if (bytes.length === 0) throw new EideticError('invalid_image', 'The image is empty.');
  const pixels = { width: 2, height: 2, data: bytes };
  return { pixels, originalWidth: 640, originalHeight: 480, decodeMs: 3, resizeMs: 2 };
};
const picture = (level: number): Uint8Array => new Uint8Array(PIXEL_BYTES).fill(level);
const codes = (results: readonly EncodeResult[]): unknown[] =>
  results.map((result) => (result.ok ? 'ok' : EideticError.from(result.error).code));

describe('createVisionEncoder', () => {
  let directory: string;
  const open: LocalVisionEncoder[] = [];
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'eidetic-vision-'));
    await writeFile(join(directory, vision.graph), LOG_MODEL);
  });
  afterAll(async () => {
    await Promise.all(open.map((encoder) => encoder.close()));
    await rm(directory, { recursive: true });
  });

  const create = async (
    options: {
      maxBatch?: number;
      preprocess?: Preprocess;
      onBatch?: (pictures: number) => void;
      vision?: Partial<Record<keyof typeof vision, number>>;
    } = {},
  ): Promise<LocalVisionEncoder> => {
    const encoder = await createVisionEncoder({
      bundle: {
        manifest: { vision: { ...vision, ...options.vision } as typeof vision },
        path: (file) => join(directory, file),
      },
      environment: Environment.load(),
      session: { intraOpThreads: 1 },
      preprocess: options.preprocess ?? preprocess,
      maxBatch: options.maxBatch ?? 4,
      ...(options.onBatch && { onBatch: options.onBatch }),
    });
    open.push(encoder);
    return encoder;
  };

  it('encodes each picture to its own features, in order', async () => {
    const encoder = await create({ maxBatch: 2 });
    expect(encoder).toMatchObject({ fingerprint: 'log-model', tokensPerImage: 4 });
    const rows = [1, 2, 3, 1, 3].map((level) =>
      Uint8Array.from({ length: PIXEL_BYTES }, (_, i) => (i === 5 ? 1 : level)),
    );
    const results = await encoder.encode(rows);
    for (const [i, result] of results.entries()) {
      if (!result.ok) throw result.error;
      const { data, ...shape } = result.embedding;
      expect(shape).toEqual({ tokens: 4, hidden: 3, imageWidth: 640, imageHeight: 480 });
      expect(data).toHaveLength(12);
      for (const [k, value] of data.entries()) expect(value).toBeCloseTo(Math.log(rows[i]?.[k] ?? 0), 6);
      expect(data.buffer.byteLength).toBe(data.byteLength);
      expect(result.timings).toEqual({
        decodeMs: 3,
        preprocessMs: 2,
        encodeMs: expect.any(Number),
        encodeShareMs: expect.any(Number),
      });
    }
  });

  it('shares the time of a run among its pictures', async () => {
    const encoder = await create({ maxBatch: 2 });
    const results = await encoder.encode([1, 2, 3, 1, 3].map((level) => picture(level)));
    const timings = results.flatMap((result) => (result.ok ? result.timings : []));
    const total = (times: Iterable<number>): number => [...times].reduce((sum, ms) => sum + ms, 0);
    const runsMs = new Set(timings.map(({ encodeMs }) => encodeMs));
    expect(runsMs.size).toBe(3);
    expect(total(timings.map(({ encodeShareMs }) => encodeShareMs))).toBeCloseTo(total(runsMs));
  });

  it('answers for a bad picture alone: not an image, or features that are not finite', async () => {
    const encoder = await create();
    const results = await encoder.encode([picture(1), new Uint8Array(), picture(0), picture(2)]);
    expect(codes(results)).toEqual(['ok', 'invalid_image', 'inference_failed', 'ok']);
  });

  it('refuses pixels that are not of the size of the graph', async () => {
    const encoder = await create();
    expect(codes(await encoder.encode([new Uint8Array(5).fill(1), picture(1)]))).toEqual(['internal', 'ok']);
  });

  it('goes on after a run that failed', async () => {
    const encoder = await create({ maxBatch: 1 });
    expect(codes(await encoder.encode([picture(1), picture(9), picture(1)]))).toEqual(['ok', 'inference_failed', 'ok']);
    expect(codes(await encoder.encode([picture(2)]))).toEqual(['ok']);
  });

  it('tells of every run that ended well, and how many pictures are in the present one', async () => {
    const batches: number[] = [];
    const encoder = await create({ maxBatch: 2, onBatch: (pictures) => batches.push(pictures) });
    expect(encoder.running).toBe(0);
    const first = encoder.encode([picture(1)]);
    while (encoder.running === 0) await nextTurn();
    expect(encoder.running).toBe(1);
    expect(codes(await first)).toEqual(['ok']);
    await encoder.encode([picture(9)]);
    await encoder.encode([1, 2, 1, 2].map(picture));
    expect(batches.reduce((sum, pictures) => sum + pictures, 0)).toBe(5);
    expect(Math.max(...batches)).toBe(2);
    expect(encoder.running).toBe(0);
  });

  it('encodes while later pictures are still being decoded', async () => {
    const slow = Promise.withResolvers<void>();
    const encoder = await create({
      preprocess: async (bytes, signal) => {
        if (bytes[0] === 3) await slow.promise;
        return preprocess(bytes, signal);
      },
    });
    const waiting = encoder.encode([picture(3)]);
    expect(codes(await encoder.encode([picture(1), picture(2)]))).toEqual(['ok', 'ok']);
    slow.resolve();
    expect(codes(await waiting)).toEqual(['ok']);
  });

  it('rejects as soon as the caller leaves, and hands the signal to the preprocessing', async () => {
    const seen = Promise.withResolvers<AbortSignal | undefined>();
    const never = Promise.withResolvers<never>();
    const encoder = await create({
      preprocess: (bytes, signal) => {
        if (bytes[0] !== 3) return preprocess(bytes, signal);
        seen.resolve(signal);
        return never.promise;
      },
    });
    const leaving = new AbortController();
    const left = encoder.encode([picture(1), picture(3)], leaving.signal);
    expect(await seen.promise).toBe(leaving.signal);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    await expect(encoder.encode([picture(1)], leaving.signal)).rejects.toMatchObject({ code: 'cancelled' });
    const late = AbortSignal.abort(new DOMException('late', 'TimeoutError'));
    await expect(encoder.encode([picture(1)], late)).rejects.toMatchObject({ code: 'deadline_exceeded' });
    expect(codes(await encoder.encode([picture(1)]))).toEqual(['ok']);
    never.reject(new Error('stopped'));
  });

  it('gives what runs already to a caller who leaves, for it cannot be stopped', async () => {
    const encoder = await create({ maxBatch: 1 });
    const leaving = new AbortController();
    const runs = encoder.encode([picture(1)], leaving.signal);
    while (encoder.running === 0) await nextTurn();
    const waits = encoder.encode([picture(2)], leaving.signal);
    leaving.abort();
    await expect(waits).rejects.toMatchObject({ code: 'cancelled' });
    expect(codes(await runs)).toEqual(['ok']);
  });

  it('finishes what it accepted when it closes, and refuses the rest', async () => {
    const encoder = await create();
    const accepted = encoder.encode([picture(1), picture(2)]);
    const closed = encoder.close();
    await expect(encoder.encode([picture(1)])).rejects.toMatchObject({ code: 'unavailable' });
    expect(codes(await accepted)).toEqual(['ok', 'ok']);
    await closed;
    await encoder.close();
  });

  it('refuses a graph that is not what the manifest says', async () => {
    await expect(create({ vision: { imageSize: 3 } })).rejects.toMatchObject({
      code: 'invalid_bundle',
      message: expect.stringContaining('"pixels" of the vision graph is uint8 [batch,2,2,3]'),
    });
    await expect(create({ vision: { hidden: 5 } })).rejects.toMatchObject({
      code: 'invalid_bundle',
      message: expect.stringContaining('image_features'),
    });
  });
});
