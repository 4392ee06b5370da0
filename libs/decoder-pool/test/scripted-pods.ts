import { once } from 'node:events';
import {
  type Decoder,
  type DecoderLoad,
  type DecoderPoolObserver,
  EideticError,
  type ErrorCode,
  type GenerateEvent,
  type GenerateRequest,
  GREEDY,
} from '@eidetic/core';
import { type DecoderModel, decoderService } from '@eidetic/decoder-rpc';
import type { EndpointSettings } from '@eidetic/endpoints';
import { readDescriptors } from '@eidetic/proto';
import { RpcServer } from '@eidetic/rpc';
import { onTestFinished } from 'vitest';
import { DecoderPool } from '../src/index.ts';

export const MODEL: DecoderModel = {
  name: 'toy',
  family: 'toy',
  source: 'abc',
  maxContext: 64,
  hidden: 2,
  vocab: 1000,
};

/** A request whose whole answer is `answerTo(maxTokens)`. */
export const request = (fields: Partial<GenerateRequest> = {}): GenerateRequest => ({
  requestId: 'r',
  prompt: [{ kind: 'tokens', ids: [1, 2, 3] }],
  sampling: GREEDY,
  maxTokens: 10,
  stopTokenIds: [],
  ...fields,
});

/** The events of an answer that nothing interrupts: token `i` is `100 + i`. */
export const answerTo = (maxTokens: number): readonly GenerateEvent[] => [
  { kind: 'prefilled', promptTokens: 3, cachedTokens: 0 },
  ...Array.from({ length: maxTokens }, (_, i) => ({ kind: 'token', id: 100 + i }) as const),
  { kind: 'finished', reason: 'length', completionTokens: maxTokens },
];

/** What happens at a pod when a request has come to `token`; it may throw or wait. */
export type Script = (at: {
  readonly token: number;
  readonly request: GenerateRequest;
  readonly signal: AbortSignal;
}) => Promise<void> | void;

/** Waits for ever: until the caller leaves or is sent away. */
export const stall: Script = async ({ signal }) => {
  await once(signal, 'abort');
  throw signal.reason;
};

/** Fails with a code, once it has come to a token. */
export const failAt =
  (token: number, code: ErrorCode, details = {}): Script =>
  (at) => {
    if (at.token === token) throw new EideticError(code, `It is ${code}.`, { details });
  };

/** A decoder that counts, behind real sockets. The script is asked before each token and the end, and first of all with token -1. */
export const startPod = async (script: Script = () => {}, { model = MODEL, slots = 4, port = 0 } = {}) => {
  const requests: GenerateRequest[] = [];
  let running = 0;
  const generate: Decoder['generate'] = async function* (wanted, signal = new AbortController().signal) {
    requests.push(wanted);
    running++;
    try {
      const { answered = [], maxTokens } = wanted;
      await script({ token: -1, request: wanted, signal });
      yield { kind: 'prefilled', promptTokens: 3, cachedTokens: answered.length > 0 ? 1 : 0 };
      for (let token = answered.length; token < maxTokens; token++) {
        await script({ token, request: wanted, signal });
        yield { kind: 'token', id: 100 + token };
      }
      await script({ token: maxTokens, request: wanted, signal });
      yield { kind: 'finished', reason: 'length', completionTokens: maxTokens };
    } finally {
      running--;
    }
  };
  const load = (): DecoderLoad => ({ running, waiting: 0, slots, kvUsage: 0 });
  const decoder = { maxContext: model.maxContext, generate };
  const embeddings = { get: async () => undefined, set: async () => 'dropped' as const };
  const server = new RpcServer({
    services: [decoderService(() => ({ decoder, model, load, embeddings }))],
    descriptors: readDescriptors(),
    maxConnectionAgeMs: 3_600_000,
    onEnd: () => {},
  });
  onTestFinished(() => server.stop());
  const address = await server.listen({ host: '127.0.0.1', port, settings: 'PORT' });
  server.setServing(true);
  return { server, address, requests, load };
};

/** What a pool tells. */
const notes = () => {
  const seen = {
    routed: [] as string[],
    outcomes: [] as string[],
    resumedAfter: [] as number[],
    prefilled: 0,
    foreign: 0,
  };
  const observer: DecoderPoolObserver = {
    routed: ({ reason }) => seen.routed.push(reason),
    attempted: ({ outcome }) => seen.outcomes.push(outcome),
    prefilled: () => {
      seen.prefilled++;
    },
    resumed: ({ tokens }) => seen.resumedAfter.push(tokens),
    foreignModel: () => {
      seen.foreign++;
    },
  };
  return { seen, observer };
};

/** A pool over addresses, which may be changed; ends with the test. Resolves once it knows them all. */
export const startPool = async (
  addresses: string[],
  { endpoints = {}, patienceMs = 500 }: { endpoints?: Partial<EndpointSettings>; patienceMs?: number } = {},
) => {
  const { seen, observer } = notes();
  const watched = { resolveIntervalMs: 10, probeIntervalMs: 20, probeTimeoutMs: 200, ...endpoints };
  const resolve = async () => [...addresses];
  const pool = await DecoderPool.create(
    { resolve, patienceMs, endpoints: watched, observer },
    AbortSignal.timeout(20_000),
  );
  onTestFinished(() => pool[Symbol.dispose]());
  return { pool, seen };
};

/** All events. */
export const collect = async (events: AsyncIterable<GenerateEvent>): Promise<GenerateEvent[]> => {
  const all: GenerateEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};
