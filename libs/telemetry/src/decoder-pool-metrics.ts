import type { DecoderPoolObserver, ErrorCode, RouteReason } from '@eidetic/core';
import { Counter, Histogram } from 'prom-client';
import { RESUME_BUCKETS } from './buckets.ts';
import type { Registry } from './registry.ts';

const REASONS: readonly RouteReason[] = ['prefix', 'hash', 'spill', 'least_loaded'];

/** Ends that are there from the start: a rate misses the step from no series to 1. */
const USUAL_ENDS: readonly ('ok' | ErrorCode)[] = ['ok', 'cancelled', 'deadline_exceeded', 'overloaded', 'unavailable'];

const createMetrics = (registers: Registry[]) => ({
  routed: new Counter({
    name: 'eidetic_decoder_pool_routed_total',
    help: 'Requests sent to a decoder, by why it was that one: prefix (it has the state of the beginning), hash (nobody has), spill (where it would have gone there is too much to do), least_loaded (everywhere is); continuation: the rest of an answer whose decoder was lost.',
    labelNames: ['reason', 'attempt'],
    registers,
  }),
  attempts: new Counter({
    name: 'eidetic_decoder_pool_attempts_total',
    help: 'Requests sent to a decoder, by how that ended: ok, or the code of the error, after which another decoder may have been asked.',
    labelNames: ['outcome'],
    registers,
  }),
  promptTokens: new Counter({
    name: 'eidetic_decoder_pool_prompt_tokens_total',
    help: 'Positions of prompts by where the decoder had their KV state from: computed, or cached.',
    labelNames: ['source'],
    registers,
  }),
  replayed: new Counter({
    name: 'eidetic_decoder_pool_replayed_tokens_total',
    help: 'Tokens of answers whose decoder was lost, which another one computed again.',
    registers,
  }),
  gap: new Histogram({
    name: 'eidetic_decoder_pool_resume_seconds',
    help: 'Between the loss of a decoder and the next event of an answer that it had begun; the count is answers that went on elsewhere.',
    buckets: RESUME_BUCKETS,
    registers,
  }),
  foreign: new Counter({
    name: 'eidetic_decoder_pool_foreign_models_total',
    help: 'Decoders that were found to serve another model than the others, and get no requests.',
    registers,
  }),
});

/** Registers the metrics of a pool of decoders, and gives the observer that it reports to. */
export const createDecoderPoolMetrics = (registry: Registry): DecoderPoolObserver => {
  const { routed, attempts, promptTokens, replayed, gap, foreign } = createMetrics([registry]);
  const computed = promptTokens.labels({ source: 'computed' });
  const cached = promptTokens.labels({ source: 'cached' });
  for (const source of [computed, cached]) source.inc(0);
  for (const reason of REASONS) {
    for (const attempt of ['first', 'continuation']) routed.inc({ reason, attempt }, 0);
  }
  for (const outcome of USUAL_ENDS) attempts.inc({ outcome }, 0);
  return {
    routed: ({ reason, continues }) => routed.inc({ reason, attempt: continues ? 'continuation' : 'first' }),
    attempted: ({ outcome }) => attempts.inc({ outcome }),
    prefilled: (prompt) => {
      computed.inc(prompt.promptTokens - prompt.cachedTokens);
      cached.inc(prompt.cachedTokens);
    },
    resumed: ({ tokens, gapMs }) => {
      replayed.inc(tokens);
      gap.observe(gapMs / 1000);
    },
    foreignModel: () => foreign.inc(),
  };
};
