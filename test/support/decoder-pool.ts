import type { DecoderLoad } from '@eidetic/core';
import { DecoderPool } from '@eidetic/decoder-pool';
import type { EndpointSettings } from '@eidetic/endpoints';
import { DecoderServiceDefinition } from '@eidetic/proto';
import { RpcChannel } from '@eidetic/rpc';
import { onTestFinished } from 'vitest';

/** Times in which the tests have pods noticed; production's are about ten times as long. */
const PROBES: Partial<EndpointSettings> = { resolveIntervalMs: 50, probeIntervalMs: 100, probeTimeoutMs: 1000 };

/** A pool over decoders at addresses, which may be changed; ends with the test. */
export const startDecoderPool = async (addresses: string[], patienceMs = 1000) => {
  const resumed: { readonly tokens: number; readonly gapMs: number }[] = [];
  const cached: number[] = [];
  const observer = {
    routed: () => undefined,
    attempted: () => undefined,
    prefilled: ({ cachedTokens }: { readonly cachedTokens: number }) => cached.push(cachedTokens),
    resumed: (answer: { readonly tokens: number; readonly gapMs: number }) => resumed.push(answer),
    foreignModel: () => undefined,
  };
  const resolve = async () => [...addresses];
  const options = { resolve, patienceMs, endpoints: PROBES, observer };
  const pool = await DecoderPool.create(options, AbortSignal.timeout(30_000));
  onTestFinished(() => pool[Symbol.dispose]());
  return { pool, resumed, cached };
};

/** Asks a decoder how busy it is, past the pool. */
export const askLoad = async (address: string): Promise<DecoderLoad> => {
  using channel = new RpcChannel(address);
  const { load } = await channel.unary(DecoderServiceDefinition, 'getLoad', {});
  if (!load) throw new Error(`${address} does not say how busy it is.`);
  return load;
};
