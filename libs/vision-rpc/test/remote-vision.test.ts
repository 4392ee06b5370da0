import { once } from 'node:events';
import { EideticError, embeddingKey, SHARED_SCOPE, tenantScope } from '@eidetic/core';
import { VisionServiceDefinition } from '@eidetic/proto';
import { implement } from '@eidetic/rpc';
import { describe, expect, it } from 'vitest';
import type { Picture, PictureResult, VisionLoad } from '../src/index.ts';
import { EMBEDDING, jobOf, MODEL, serve, serveService, TIMINGS } from './serve.ts';

const MIB = 2 ** 20;
const ACME = tenantScope('acme');

const codes = (results: readonly PictureResult[]): string[] =>
  results.map((result) => (result.ok ? 'ok' : result.error.code));

describe('a remote vision encoder', () => {
  it('knows the model, and answers with what decoders need of each embedding that they find', async () => {
    const { remote } = await serve();
    expect(remote.model).toEqual(MODEL);
    const { data: _, ...shape } = EMBEDDING;
    expect(await remote.encode([jobOf('a')])).toEqual([{ ok: true, ...shape, cached: false, timings: TIMINGS }]);
  });

  it('hands the encoder what it was given: bytes as they are, or none', async () => {
    const seen: Picture[] = [];
    const { remote } = await serve({
      encode: async (picture) => {
        seen.push({ ...picture, ...(picture.bytes && { bytes: Buffer.from(picture.bytes) }) });
        return { embedding: EMBEDDING, shared: true, cached: true, timings: TIMINGS };
      },
    });
    const { bytes: _, ...stored } = jobOf('stored', ACME);
    const empty = jobOf('');
    expect(await remote.encode([jobOf('sent'), stored, empty])).toMatchObject([
      { cached: true },
      { cached: true },
      { cached: true },
    ]);
    expect(seen).toEqual([jobOf('sent'), stored, empty]);
  });

  it('has an error in the place of each picture that cannot be encoded, with its details, and no other', async () => {
    const { remote, outcomes } = await serve({
      encode: async ({ bytes }) => {
        if (bytes?.length === 3) throw new EideticError('image_too_large', 'Too large.', { details: { limit: 2 } });
        if (bytes?.length === 4) throw new Error('hunter2');
        return { embedding: EMBEDDING, shared: true, cached: false, timings: TIMINGS };
      },
    });
    const results = await remote.encode(['a', 'bad', 'ok', 'fail'].map((content) => jobOf(content)));
    expect(codes(results)).toEqual(['ok', 'image_too_large', 'ok', 'internal']);
    expect(results[1]).toMatchObject({ error: { message: 'Too large.', details: { limit: 2 } } });
    expect(JSON.stringify(results[3])).not.toContain('hunter2');
    expect(outcomes).toEqual(['encoded', 'image_too_large', 'encoded', 'internal']);
  });

  it('has the embedding itself when it is asked for, or is not where decoders look', async () => {
    let shared = true;
    const { remote } = await serve({
      encode: async () => ({ embedding: EMBEDDING, shared, cached: false, timings: TIMINGS }),
    });
    const [kept, asked] = [
      await remote.encode([jobOf('a')]),
      await remote.encode([jobOf('a')], { returnEmbeddings: true }),
    ];
    shared = false;
    const lost = await remote.encode([jobOf('a')]);
    expect([kept, asked, lost].map(([result]) => result?.ok && result.embedding)).toEqual([
      undefined,
      EMBEDDING,
      EMBEDDING,
    ]);
  });

  it('sends what is too much for one call in several, and puts the results in order', async () => {
    const { remote } = await serve({
      encode: async ({ bytes }) => ({
        embedding: { ...EMBEDDING, imageWidth: bytes?.[0] ?? 0 },
        shared: true,
        cached: false,
        timings: TIMINGS,
      }),
    });
    const jobs = Array.from({ length: 11 }, (_, i) => jobOf(Uint8Array.of(i + 1)));
    const widths = (await remote.encode(jobs)).map((result) => result.ok && result.imageWidth);
    expect(widths).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
    expect(await remote.encode([])).toEqual([]);
  });

  it('takes pictures of 20 MiB, several of them, and refuses by name the one that fits no message', async () => {
    const { remote } = await serve();
    const jobs = [20, 20, 33, 1].map((mib) => jobOf(Buffer.alloc(mib * MIB)));
    expect(codes(await remote.encode(jobs))).toEqual(['ok', 'ok', 'body_too_large', 'ok']);
  });
});

describe('a picture', () => {
  const job = jobOf('a', ACME);
  const key = (scope: string, fingerprint = MODEL.fingerprint, imageId = job.imageId): string =>
    `${scope}:${fingerprint}:${imageId}`;

  it.each([
    ["another picture's key", { key: jobOf('b').key }, 'invalid_request'],
    ["another tenant's key", { key: key(tenantScope('umbrella')) }, 'invalid_request'],
    ['a key without scope', { key: `${MODEL.fingerprint}:${job.imageId}` }, 'invalid_request'],
    ['a key with something behind', { key: `${job.key}:${job.imageId}` }, 'invalid_request'],
    ["another encoder's key", { key: key(ACME, 'f2') }, 'model_not_found'],
    ['no scope', { scope: '' }, 'invalid_request'],
    ['a scope that is none', { scope: 'tenant-acme' }, 'invalid_request'],
    ['an id that is none', { imageId: job.imageId.toUpperCase() }, 'invalid_request'],
    ["another picture's bytes", { bytes: Buffer.from('b') }, 'invalid_request'],
    ['no bytes where there should be some', { bytes: Buffer.alloc(0) }, 'invalid_request'],
    ['a key without end', { key: 'x'.repeat(100_000) }, 'invalid_request'],
  ])('is refused with %s, and its neighbour is encoded', async (_, wrong, code) => {
    const encoded: string[] = [];
    const { remote } = await serve({
      encode: async (picture) => {
        encoded.push(picture.imageId);
        return { embedding: EMBEDDING, shared: true, cached: false, timings: TIMINGS };
      },
    });
    const results = await remote.encode([{ ...job, ...wrong }, jobOf('neighbour')]);
    expect(codes(results)).toEqual([code, 'ok']);
    expect(results[0]).toMatchObject({ error: { details: { param: expect.stringMatching(/^images\[0\]\./) } } });
    expect(encoded).toEqual([jobOf('neighbour').imageId]);
  });

  it('may go under its own scope or the shared one', async () => {
    const { remote } = await serve();
    const jobs = [ACME, SHARED_SCOPE].map((scope) => ({
      ...job,
      key: embeddingKey(scope, MODEL.fingerprint, job.imageId),
    }));
    expect(codes(await remote.encode(jobs))).toEqual(['ok', 'ok']);
  });
});

describe('a call', () => {
  it('is refused when it has no pictures, or more than the model says', async () => {
    const { channel } = await serve();
    const image = { ...jobOf('a'), data: Buffer.from('a') };
    const encode = (count: number) =>
      channel.unary(VisionServiceDefinition, 'encode', { images: Array(count).fill(image), returnEmbeddings: false });
    await expect(encode(0)).rejects.toMatchObject({ code: 'invalid_request', details: { param: 'images' } });
    await expect(encode(5)).rejects.toMatchObject({ code: 'too_many_images', details: { actual: 5, limit: 4 } });
    expect((await encode(4)).outcomes).toHaveLength(4);
  });

  it('tells the encoder when its caller leaves, and throws the reason', async () => {
    const reasons: string[] = [];
    const begun = Promise.withResolvers<void>();
    const { remote, outcomes, ended } = await serve({
      async encode(_, signal) {
        begun.resolve();
        await once(signal, 'abort');
        reasons.push(EideticError.from(signal.reason).code);
        throw signal.reason;
      },
    });
    const leaving = new AbortController();
    const left = remote.encode([jobOf('a')], { signal: leaving.signal });
    await begun.promise;
    leaving.abort();
    await expect(left).rejects.toMatchObject({ code: 'cancelled' });
    expect(await ended).toBe('cancelled');
    expect([reasons, outcomes]).toEqual([['cancelled'], ['cancelled']]);
  });

  it('ends at its deadline, on both sides, each picture with that error', async () => {
    const told = Promise.withResolvers<string>();
    const { remote } = await serve({
      async encode(_, signal) {
        await once(signal, 'abort');
        told.resolve(EideticError.from(signal.reason).code);
        throw signal.reason;
      },
    });
    const results = await remote.encode([jobOf('a'), jobOf('b')], { deadlineMs: Date.now() + 200 });
    expect(codes(results)).toEqual(['deadline_exceeded', 'deadline_exceeded']);
    expect(await told.promise).toBe('deadline_exceeded');
  });

  it('fails each picture with `unavailable` when the encoder is gone', async () => {
    const { remote, server } = await serve();
    await server.stop();
    expect(codes(await remote.encode([jobOf('a'), jobOf('b')]))).toEqual(['unavailable', 'unavailable']);
  });
});

describe('an answer that is wrong', () => {
  const encoded = {
    key: jobOf('a').key,
    tokens: 2,
    hidden: 2,
    imageWidth: 1,
    imageHeight: 1,
    cached: false,
    timings: undefined,
    embedding: undefined,
  };

  it.each([
    ['nothing', []],
    ['nothing that is known', [{ outcome: undefined }]],
    ["another picture's result", [{ outcome: { $case: 'encoded', value: { ...encoded, key: jobOf('b').key } } }]],
  ] as const)('is no result of a picture: %s', async (_, outcomes) => {
    const { remote } = await serveService(
      implement(VisionServiceDefinition, {
        encode: async () => ({ outcomes }),
        getLoad: async () => ({ load: undefined }),
        async *watchLoad() {},
        getModel: async () => MODEL,
      }),
    );
    expect(codes(await remote.encode([jobOf('a')]))).toEqual(['inference_failed']);
  });
});

describe('the load', () => {
  it('is told at once and when it changes, until the encoder drains', async () => {
    let load: VisionLoad = { running: 8, waiting: 2, maxBatch: 8 };
    const { server, remote } = await serve({ load: () => load });
    const loads = remote.watchLoad(10)[Symbol.asyncIterator]();
    expect((await loads.next()).value).toEqual(load);
    load = { ...load, waiting: 0 };
    expect((await loads.next()).value).toEqual(load);
    const ended = expect(loads.next()).rejects.toMatchObject({ code: 'unavailable' });
    await server.drain(60_000);
    await ended;
  });
});
