import type { DecoderLoad, EngineObserver, ErrorCode, RequestStage } from '@eidetic/core';
import { Counter, Histogram } from 'prom-client';
import {
  DECODE_ROWS_BUCKETS,
  FIRST_TOKEN_BUCKETS,
  PREFILL_STEP_BUCKETS,
  QUEUE_BUCKETS,
  TOKEN_BUCKETS,
} from './buckets.ts';
import { exemplarOf } from './exemplar.ts';
import { registerLoad } from './load-metrics.ts';
import type { Registry } from './registry.ts';

/** Metrics of a process that runs an engine: the observer that it reports to, and its load. */
export interface EngineMetrics extends EngineObserver {
  /** From now on every scrape reads how busy the decoder is. Once per registry: before, nothing is said about its load. */
  observeLoad(read: () => DecoderLoad): void;
}

const STAGES: readonly RequestStage[] = ['waiting', 'prefill', 'decode'];
const LEFT: readonly ErrorCode[] = ['cancelled', 'deadline_exceeded'];

/** Ends that are there from the start, as all other series: a rate misses the step from no series to 1. */
const USUAL_ENDS = [
  { outcome: 'stop', stage: 'decode' },
  { outcome: 'length', stage: 'decode' },
  ...LEFT.flatMap((outcome) => STAGES.map((stage) => ({ outcome, stage }))),
];

const createRequestMetrics = (registers: Registry[]) => {
  const finished = new Counter({
    name: 'eidetic_engine_requests_finished_total',
    help: 'Requests by how they ended (stop, length, or the code of the error) and how far they had come (waiting, prefill, decode).',
    labelNames: ['outcome', 'stage'],
    registers,
  });
  for (const end of USUAL_ENDS) finished.inc(end, 0);
  return {
    finished,
    queue: new Histogram({
      name: 'eidetic_engine_queue_seconds',
      help: 'Time that a request waited for its slot.',
      buckets: QUEUE_BUCKETS,
      enableExemplars: true,
      registers,
    }),
    firstToken: new Histogram({
      name: 'eidetic_engine_first_token_seconds',
      help: 'From the arrival of a request at the engine to its first token: queue and prompt.',
      buckets: FIRST_TOKEN_BUCKETS,
      enableExemplars: true,
      registers,
    }),
    prefill: new Histogram({
      name: 'eidetic_engine_prefill_seconds',
      help: "From a request's slot to its first token: its prompt, and the steps of others in between.",
      buckets: FIRST_TOKEN_BUCKETS,
      enableExemplars: true,
      registers,
    }),
    interToken: new Histogram({
      name: 'eidetic_engine_inter_token_seconds',
      help: 'Between two tokens of one answer.',
      buckets: TOKEN_BUCKETS,
      registers,
    }),
    promptTokens: new Counter({
      name: 'eidetic_engine_prompt_tokens_total',
      help: 'Positions of completed prompts by where their KV state came from: computed, or cached.',
      labelNames: ['source'],
      registers,
    }),
    generationTokens: new Counter({
      name: 'eidetic_engine_generation_tokens_total',
      help: 'Tokens of ended answers, those of cancelled ones included; counted when an answer ends.',
      registers,
    }),
  };
};

const createStepMetrics = (registers: Registry[]) => ({
  prefillSeconds: new Histogram({
    name: 'eidetic_engine_prefill_step_seconds',
    help: 'Time of one prefill step, by its purpose: prompt, or consolidation (answers made reusable while nothing else was to do).',
    labelNames: ['purpose'],
    buckets: PREFILL_STEP_BUCKETS,
    registers,
  }),
  prefillTokens: new Counter({
    name: 'eidetic_engine_prefill_tokens_total',
    help: 'Positions computed in prefill steps by purpose: prompt (those of prompts given up later included), or consolidation.',
    labelNames: ['purpose'],
    registers,
  }),
  decodeSeconds: new Histogram({
    name: 'eidetic_engine_decode_step_seconds',
    help: 'Time of one decode step; the rate of its count is steps a second.',
    buckets: TOKEN_BUCKETS,
    registers,
  }),
  decodeRows: new Histogram({
    name: 'eidetic_engine_decode_step_rows',
    help: 'Answers that one decode step continued; the rate of its sum is tokens a second, the first ones of answers left out.',
    buckets: DECODE_ROWS_BUCKETS,
    registers,
  }),
});

/**
 * Registers the metrics of an engine. Each call takes less than a microsecond when warm, and throws only when a number is not
 * finite or a count negative.
 *
 * @param model name of the served model, a label of the load under vLLM's names.
 */
export const createEngineMetrics = (registry: Registry, model: string): EngineMetrics => {
  const { finished, queue, firstToken, prefill, interToken, promptTokens, generationTokens } = createRequestMetrics([
    registry,
  ]);
  const { prefillSeconds, prefillTokens, decodeSeconds, decodeRows } = createStepMetrics([registry]);
  const computed = promptTokens.labels({ source: 'computed' });
  const cached = promptTokens.labels({ source: 'cached' });
  for (const source of [computed, cached]) source.inc(0);
  const prefillStep = (purpose: 'prompt' | 'consolidation') => {
    const seconds = prefillSeconds.labels({ purpose });
    const positions = prefillTokens.labels({ purpose });
    prefillSeconds.zero({ purpose });
    positions.inc(0);
    return (step: { readonly tokens: number; readonly durationMs: number }): void => {
      seconds.observe(step.durationMs / 1000);
      positions.inc(step.tokens);
    };
  };
  return {
    admitted: ({ queuedMs, traceparent }) =>
      queue.observe({ value: queuedMs / 1000, exemplarLabels: exemplarOf(traceparent) }),
    prefillStep: prefillStep('prompt'),
    decodeStep: ({ rows, durationMs }) => {
      decodeSeconds.observe(durationMs / 1000);
      decodeRows.observe(rows);
    },
    firstToken: (request) => {
      const exemplarLabels = exemplarOf(request.traceparent);
      firstToken.observe({ value: request.sinceArrivalMs / 1000, exemplarLabels });
      prefill.observe({ value: request.sinceAdmittedMs / 1000, exemplarLabels });
      computed.inc(request.computed);
      cached.inc(request.cached);
    },
    token: ({ sinceLastMs }) => interToken.observe(sinceLastMs / 1000),
    consolidated: prefillStep('consolidation'),
    ended: ({ outcome, stage, completionTokens }) => {
      finished.inc({ outcome, stage });
      generationTokens.inc(completionTokens);
    },
    observeLoad: (read) => registerLoad(registry, model, read),
  };
};
