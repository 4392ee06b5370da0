import { loadConfig } from '@eidetic/config';
import type { ImageEmbedding } from '@eidetic/core';
import { DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { MODEL_SETTINGS, VISION_SETTINGS } from '@eidetic/model-loader';
import { startVision } from '@eidetic/model-loader/vision';
import type { PictureResult } from '@eidetic/vision-rpc';
import { beforeAll, describe, expect, it } from 'vitest';
import { testBundle } from '../support/bundles.ts';
import {
  codesOf,
  goldenPicture,
  idle,
  jobFor,
  metricsOf,
  startVisionService,
  untilLoad,
  variant,
} from '../support/vision-service.ts';

const MIB = 2 ** 20;

let small: Buffer;
let wide: Buffer;

beforeAll(async () => {
  small = await goldenPicture('17-ground-1.png');
  wide = await goldenPicture('wide.png');
});

/** What the encoder makes of pictures when it is called in this process, one at a time. */
const encodedDirectly = async (pictures: readonly Buffer[]): Promise<ImageEmbedding[]> => {
  const config = loadConfig({ ...MODEL_SETTINGS, ...VISION_SETTINGS }, { EIDETIC_THREADS: '1' });
  await using vision = await startVision(await testBundle(DEFAULT_PRECISIONS), config, {
    onProgress: () => {},
    signal: new AbortController().signal,
  });
  const embeddings: ImageEmbedding[] = [];
  for (const picture of pictures) {
    const [result] = await vision.encoder.encode([picture]);
    if (!result?.ok) throw result?.error;
    embeddings.push(result.embedding);
  }
  return embeddings;
};

const embeddingsOf = (results: readonly PictureResult[]): (ImageEmbedding | undefined)[] =>
  results.map((result) => (result.ok ? result.embedding : undefined));

const encodedImages = 'eidetic_vision_batch_images_sum';
const runs = 'eidetic_vision_batch_images_count';

describe('the vision service', () => {
  it('makes of a picture what the encoder makes of it in this process, whoever shares its batch', async () => {
    const { remote } = await startVisionService();
    const pictures = [small, wide, variant(small, 1), variant(wide, 2)];
    const results = await remote.encode(pictures.map((picture) => jobFor(remote, picture)));
    expect(embeddingsOf(results)).toEqual(await encodedDirectly(pictures));
    expect(results[1]).toMatchObject({ cached: false, tokens: 64, hidden: 320 });
  });

  it('says where the time of each picture went', async () => {
    const { remote } = await startVisionService();
    const [result] = await remote.encode([jobFor(remote, wide)]);
    if (!result?.ok) throw result?.error;
    const { decodeMs, preprocessMs, encodeMs, queueMs, cacheWriteMs } = result.timings;
    for (const ms of [decodeMs, preprocessMs, encodeMs]) expect(ms).toBeGreaterThan(0);
    expect(queueMs).toBeGreaterThanOrEqual(0);
    expect(cacheWriteMs).toBe(0);
  });

  it('refuses a broken picture, a wrong key and a missing one among good ones, and no other', async () => {
    const { remote, ...service } = await startVisionService();
    const [good, other] = [jobFor(remote, small), jobFor(remote, wide)];
    const { bytes: _, ...missing } = jobFor(remote, variant(small, 1));
    const results = await remote.encode([
      good,
      jobFor(remote, wide.subarray(0, 50_000)),
      { ...other, key: good.key },
      missing,
      other,
    ]);
    expect(codesOf(results)).toEqual(['ok', 'invalid_image', 'invalid_request', 'image_missing', 'ok']);
    expect(embeddingsOf(results).filter((embedding) => embedding !== undefined)).toEqual(
      await encodedDirectly([small, wide]),
    );
    const metrics = await metricsOf(service);
    const finished = (outcome: string): number => metrics(`eidetic_vision_images_finished_total{outcome="${outcome}"}`);
    const counted = ['encoded', 'invalid_image', 'invalid_request', 'image_missing'].map(finished);
    expect(counted).toEqual([2, 1, 1, 1]);
  });

  it('encodes a picture once: the second caller finds it, and nothing runs', async () => {
    const { remote, ...service } = await startVisionService();
    const first = await remote.encode([jobFor(remote, small)]);
    const before = await metricsOf(service);
    const second = await remote.encode([jobFor(remote, small)]);
    const after = await metricsOf(service);
    expect(embeddingsOf(second)).toEqual(embeddingsOf(first));
    expect(second).toMatchObject([{ cached: true, timings: { decodeMs: 0, encodeMs: 0 } }]);
    expect(after(runs)).toBe(before(runs));
    expect(after('eidetic_vision_cache_lookups_total{outcome="hit"}')).toBe(1);
    expect(after('eidetic_vision_images_finished_total{outcome="cached"}')).toBe(1);
  });
});

describe('batches', () => {
  it('are shared by 64 callers with a picture each, and never too large', async () => {
    const { remote, ...service } = await startVisionService({ EIDETIC_VISION_BATCH: '4' });
    const before = await metricsOf(service);
    const pictures = Array.from({ length: 64 }, (_, i) => jobFor(remote, variant(small, i)));
    const results = await Promise.all(pictures.map((picture) => remote.encode([picture])));
    expect(new Set(codesOf(results.flat()))).toEqual(new Set(['ok']));
    const after = await metricsOf(service);
    expect(after(encodedImages) - before(encodedImages)).toBe(64);
    expect(after(runs) - before(runs)).toBeLessThan(48);
    expect(after('eidetic_vision_batch_images_bucket{le="4"}')).toBe(after(runs));
    const stage = (name: string): number => after(`eidetic_image_encode_seconds_count{stage="${name}"}`);
    expect(['decode', 'preprocess', 'encode'].map(stage)).toEqual([64, 64, 64]);
    expect(after('eidetic_vision_around_seconds_count{stage="queue"}')).toBe(64);
  });

  it('are made of a call that has more pictures than one of them takes', async () => {
    const { remote, ...service } = await startVisionService({ EIDETIC_VISION_BATCH: '3' });
    const before = await metricsOf(service);
    const pictures = Array.from({ length: 10 }, (_, i) => jobFor(remote, variant(small, i)));
    expect(codesOf(await remote.encode(pictures))).toEqual(Array(10).fill('ok'));
    const after = await metricsOf(service);
    expect(after(encodedImages) - before(encodedImages)).toBe(10);
    expect(after('eidetic_vision_batch_images_bucket{le="4"}')).toBe(after(runs));
    expect(after(runs) - before(runs)).toBeGreaterThanOrEqual(4);
  });
});

describe('what is too much', () => {
  it('is refused by the picture, and the rest is encoded', async () => {
    const { remote } = await startVisionService({ EIDETIC_MAX_PICTURES: '2' });
    const results = await remote.encode([1, 2, 3].map((i) => jobFor(remote, variant(small, i))));
    expect(codesOf(results)).toEqual(['ok', 'ok', 'overloaded']);
    await untilLoad(remote, idle);
    expect(codesOf(await remote.encode([jobFor(remote, variant(small, 3))]))).toEqual(['ok']);
  });

  it('begins above 20 MiB of one picture, and at a message: each has its error', async () => {
    const { remote } = await startVisionService();
    const padded = (bytes: number): Buffer => variant(small, 1, bytes - small.length);
    const pictures = [20 * MIB, 20 * MIB + 1, 32 * MIB, MIB].map((bytes) => jobFor(remote, padded(bytes)));
    expect(codesOf(await remote.encode(pictures))).toEqual(['ok', 'image_too_large', 'body_too_large', 'ok']);
  });
});

describe('a caller who does not wait for the end', () => {
  const many = (remote: Parameters<typeof jobFor>[0]) =>
    Array.from({ length: 200 }, (_, i) => jobFor(remote, variant(wide, i)));

  it('leaves the pictures behind that are not decoded yet', async () => {
    const { remote, ...service } = await startVisionService({
      EIDETIC_IMAGE_THREADS: '1',
      EIDETIC_MAX_PICTURES: '256',
    });
    const leaving = new AbortController();
    const left = remote.encode(many(remote), { signal: leaving.signal });
    await untilLoad(remote, ({ running, waiting }) => running + waiting > 0);
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    await untilLoad(remote, idle);
    const metrics = await metricsOf(service);
    expect(metrics('eidetic_vision_images_finished_total{outcome="cancelled"}')).toBeGreaterThan(0);
    expect(metrics(encodedImages)).toBeLessThan(200);
    expect(codesOf(await remote.encode([jobFor(remote, small)]))).toEqual(['ok']);
  });

  it('is told of the deadline, and nothing is computed after it', async () => {
    const { remote, ...service } = await startVisionService({
      EIDETIC_IMAGE_THREADS: '1',
      EIDETIC_MAX_PICTURES: '256',
    });
    const results = await remote.encode(many(remote), { deadlineMs: Date.now() + 150 });
    expect(new Set(codesOf(results))).toEqual(new Set(['deadline_exceeded']));
    await untilLoad(remote, idle);
    expect((await metricsOf(service))(encodedImages)).toBeLessThan(200);
  });
});
