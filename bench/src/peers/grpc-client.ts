import { GREEDY } from '@eidetic/core';
import { createRemoteDecoder } from '@eidetic/decoder-rpc';
import { RpcChannel } from '@eidetic/rpc';
import { serve, type TextPeer } from './protocol.ts';
import { recordArrivals } from './record-arrivals.ts';

/** A client of a decoder service. */
export interface GrpcClientOptions {
  /** `host:port` */
  readonly address: string;
}

await serve<GrpcClientOptions, TextPeer>(async ({ address }) => {
  const decoder = await createRemoteDecoder(new RpcChannel(address));

  async function* generate(ids: readonly number[], maxTokens: number): AsyncIterable<number> {
    const prompt = [{ kind: 'tokens', ids }] as const;
    const request = { requestId: 'bench', prompt, sampling: GREEDY, maxTokens, stopTokenIds: [] };
    for await (const event of decoder.generate(request)) if (event.kind === 'token') yield event.id;
  }
  return { generate: (job) => recordArrivals(job, (prompt) => generate(prompt, job.tokens)) };
});
