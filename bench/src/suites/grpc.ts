import { ServiceProcess } from '@eidetic/launcher';
import { Contender } from '../contender.ts';
import { startEidetic } from '../decoders.ts';
import type { GrpcClientOptions } from '../peers/grpc-client.ts';
import type { Generation, TextPeer } from '../peers/protocol.ts';
import { randomPrompts } from '../prompts.ts';
import { OURS } from '../report.ts';
import { alternate, type Probe } from '../rounds.ts';
import type { Suite } from '../suite.ts';

const PRECISION = 'int8';
const CONCURRENCY = [1, 8];
const PAST = 100;
const DECODED = 200;
const CONTEXT = 512;

/** The decoder service over gRPC, its client in another process, beside its own engine without a service around it. */
export const grpcSuite: Suite = {
  name: 'grpc',
  async run(context) {
    await using started = new AsyncDisposableStack();
    const sequences = Math.max(...CONCURRENCY);
    const engine = started.use(
      await startEidetic(context, PRECISION, { sequences, contextSize: CONTEXT }, { name: 'its bare engine' }),
    );
    const settings = {
      EIDETIC_GRPC_PORT: '0',
      EIDETIC_HTTP_PORT: '0',
      EIDETIC_LOG_LEVEL: 'error',
      EIDETIC_MODEL: context.checkpointDirectory,
      EIDETIC_CACHE_DIR: context.cacheDirectory,
      EIDETIC_DECODER_PRECISION: PRECISION,
      EIDETIC_HEAD_PRECISION: PRECISION,
      EIDETIC_THREADS: String(context.threads),
      EIDETIC_SLOTS: String(sequences),
      EIDETIC_MAX_CONTEXT: String(CONTEXT),
    };
    const service = started.use(await ServiceProcess.start('decoder', { settings }));
    const options: GrpcClientOptions = { address: service.grpc };
    const client = started.use(await Contender.start<TextPeer>(OURS, 'grpc-client', options));
    const probes = CONCURRENCY.flatMap((count) =>
      [client, engine].map(
        (decoder): Probe => ({
          contender: decoder.name,
          metric: `${count} at once, prompts and answers, tokens/s`,
          better: 'higher',
          async measure(round) {
            const job = { prompts: randomPrompts(count, PAST, round), tokens: DECODED };
            return wholeTokensPerSecond(await decoder.call('generate', job));
          },
        }),
      ),
    );
    return {
      name: 'grpc',
      title: `Decoder service over gRPC, ${PRECISION} weights, ${context.threads} threads for service and client together`,
      facts: { 'positions of each prompt': PAST, 'tokens of each answer': DECODED },
      measurements: await alternate(probes, context.rounds),
    };
  },
};

/** Tokens a second from the first question to the last token: prefill included. */
function wholeTokensPerSecond({ ids, arrivedMs }: Generation): number {
  const lastMs = Math.max(...arrivedMs.map((times) => times.at(-1) ?? Number.NaN));
  return (ids.flat().length / lastMs) * 1000;
}
