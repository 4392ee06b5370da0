import { hash } from 'node:crypto';
import { EideticError, embeddingKey, type ImageEmbedding, SHARED_SCOPE } from '@eidetic/core';
import { readDescriptors } from '@eidetic/proto';
import { type Implementation, RpcChannel, RpcServer } from '@eidetic/rpc';
import { onTestFinished } from 'vitest';
import { createRemoteVision, type PictureJob, type ServedVision, visionService } from '../src/index.ts';

export const MODEL = { name: 'nano', fingerprint: 'f1', tokensPerImage: 2, hidden: 2, maxImages: 4 };

export const EMBEDDING: ImageEmbedding = {
  data: Float32Array.of(0.1, -2, 3e-9, 4),
  tokens: 2,
  hidden: 2,
  imageWidth: 640,
  imageHeight: 480,
};

export const TIMINGS = {
  queueMs: 1.5,
  decodeMs: 2,
  preprocessMs: 3,
  encodeMs: 4,
  encodeShareMs: 2,
  cacheWriteMs: 0.25,
};

/** A picture that nobody can decode, which does not matter here. */
export const jobOf = (content: string | Uint8Array, scope: PictureJob['scope'] = SHARED_SCOPE) => {
  const bytes = Buffer.from(content);
  const imageId = hash('sha256', bytes, 'hex');
  return { key: embeddingKey(SHARED_SCOPE, MODEL.fingerprint, imageId), imageId, scope, bytes };
};

/** A client of a server that this answers for; both end with the test. `ended` resolves to how the next `Encode` ends. */
export const serveService = async (service: Implementation) => {
  const ended = Promise.withResolvers<string>();
  const server = new RpcServer({
    services: [service],
    descriptors: readDescriptors(),
    maxConnectionAgeMs: 3_600_000,
    onEnd: ({ method, code }) => {
      if (method.endsWith('/Encode')) ended.resolve(code);
    },
  });
  onTestFinished(() => server.stop());
  const channel = new RpcChannel(await server.listen({ host: '127.0.0.1', port: 0, settings: 'PORT' }));
  onTestFinished(() => channel[Symbol.dispose]());
  return { server, channel, ended: ended.promise, remote: await createRemoteVision(channel) };
};

/** A client of a service that a scripted encoder stands behind, and what the service told. */
export const serve = async (parts: Partial<ServedVision> = {}) => {
  const outcomes: string[] = [];
  const served: ServedVision = {
    model: MODEL,
    load: () => ({ running: 0, waiting: 0, maxBatch: 8 }),
    encode: async () => ({ embedding: EMBEDDING, shared: true, cached: false, timings: TIMINGS }),
    onOutcome: (outcome) => outcomes.push(outcome instanceof EideticError ? outcome.code : outcome),
    ...parts,
  };
  return { outcomes, ...(await serveService(visionService(() => served))) };
};
