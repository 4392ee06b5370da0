import type { DecoderLoad } from '@eidetic/core';
import { beforeEach, expect, it } from 'vitest';
import { scrape } from '../test/scrape.ts';
import { createEngineMetrics, type EngineMetrics } from './engine-metrics.ts';
import { emptyRegistry, type Registry } from './registry.ts';

let registry: Registry;
let metrics: EngineMetrics;

beforeEach(() => {
  registry = emptyRegistry();
  metrics = createEngineMetrics(registry, 'm');
});

it('tells positions of completed prompts that were computed from those that were cached', async () => {
  metrics.firstToken({ computed: 30, cached: 70, sinceArrivalMs: 250, sinceAdmittedMs: 200, traceparent: undefined });
  metrics.firstToken({ computed: 5, cached: 0, sinceArrivalMs: 500, sinceAdmittedMs: 50, traceparent: undefined });
  const sums = ['eidetic_engine_first_token_seconds_sum', 'eidetic_engine_prefill_seconds_sum'];
  expect(await scrape(registry, 'eidetic_engine_prompt_tokens', ...sums)).toEqual([
    'eidetic_engine_first_token_seconds_sum 0.75',
    'eidetic_engine_prefill_seconds_sum 0.25',
    'eidetic_engine_prompt_tokens_total{source="computed"} 35',
    'eidetic_engine_prompt_tokens_total{source="cached"} 70',
  ]);
});

it('keeps the prefill steps of prompts and of consolidation apart', async () => {
  metrics.prefillStep({ tokens: 256, durationMs: 250 });
  metrics.prefillStep({ tokens: 4, durationMs: 500 });
  metrics.consolidated({ tokens: 40, durationMs: 125 });
  const lines = await scrape(registry, 'eidetic_engine_prefill_tokens', 'eidetic_engine_prefill_step_seconds_');
  expect(lines).toEqual(
    expect.arrayContaining([
      'eidetic_engine_prefill_tokens_total{purpose="prompt"} 260',
      'eidetic_engine_prefill_tokens_total{purpose="consolidation"} 40',
      'eidetic_engine_prefill_step_seconds_sum{purpose="prompt"} 0.75',
      'eidetic_engine_prefill_step_seconds_count{purpose="prompt"} 2',
      'eidetic_engine_prefill_step_seconds_sum{purpose="consolidation"} 0.125',
    ]),
  );
});

it('tells the time of decode steps, how many there were, and how many answers each continued', async () => {
  metrics.decodeStep({ rows: 1, durationMs: 0.75 });
  metrics.decodeStep({ rows: 7, durationMs: 2 });
  const lines = await scrape(registry, 'eidetic_engine_decode_step_');
  expect(lines).toEqual(
    expect.arrayContaining([
      'eidetic_engine_decode_step_seconds_bucket{le="0.001"} 1',
      'eidetic_engine_decode_step_seconds_bucket{le="0.0025"} 2',
      'eidetic_engine_decode_step_seconds_sum 0.00275',
      'eidetic_engine_decode_step_rows_bucket{le="4"} 1',
      'eidetic_engine_decode_step_rows_bucket{le="8"} 2',
      'eidetic_engine_decode_step_rows_sum 8',
      'eidetic_engine_decode_step_rows_count 2',
    ]),
  );
});

it('measures the wait for a slot and the time between tokens in seconds', async () => {
  metrics.admitted({ queuedMs: 1500, traceparent: undefined });
  metrics.token({ sinceLastMs: 20 });
  metrics.token({ sinceLastMs: 230 });
  const names = ['queue', 'inter_token'].flatMap((noun) =>
    ['sum', 'count'].map((of) => `eidetic_engine_${noun}_seconds_${of}`),
  );
  expect(await scrape(registry, ...names)).toEqual([
    'eidetic_engine_queue_seconds_sum 1.5',
    'eidetic_engine_queue_seconds_count 1',
    'eidetic_engine_inter_token_seconds_sum 0.25',
    'eidetic_engine_inter_token_seconds_count 2',
  ]);
});

it('counts the ends of requests by outcome and stage, and the tokens of all of them', async () => {
  metrics.ended({ outcome: 'stop', stage: 'decode', completionTokens: 20 });
  metrics.ended({ outcome: 'cancelled', stage: 'decode', completionTokens: 3 });
  metrics.ended({ outcome: 'deadline_exceeded', stage: 'waiting', completionTokens: 0 });
  metrics.ended({ outcome: 'inference_failed', stage: 'prefill', completionTokens: 0 });
  const lines = await scrape(registry, 'eidetic_engine_requests_finished', 'eidetic_engine_generation');
  expect(lines.filter((line) => !line.endsWith(' 0'))).toEqual([
    'eidetic_engine_requests_finished_total{outcome="stop",stage="decode"} 1',
    'eidetic_engine_requests_finished_total{outcome="cancelled",stage="decode"} 1',
    'eidetic_engine_requests_finished_total{outcome="deadline_exceeded",stage="waiting"} 1',
    'eidetic_engine_requests_finished_total{outcome="inference_failed",stage="prefill"} 1',
    'eidetic_engine_generation_tokens_total 23',
  ]);
});

it('has every series but unusual ends at 0 before anything has happened', async () => {
  const lines = await scrape(registry, 'eidetic_engine_');
  expect(lines.filter((line) => !line.endsWith(' 0'))).toEqual([]);
  expect(lines.filter((line) => line.includes('outcome='))).toHaveLength(8);
  expect(lines).toEqual(
    expect.arrayContaining([
      'eidetic_engine_requests_finished_total{outcome="length",stage="decode"} 0',
      'eidetic_engine_requests_finished_total{outcome="cancelled",stage="waiting"} 0',
      'eidetic_engine_requests_finished_total{outcome="deadline_exceeded",stage="prefill"} 0',
      'eidetic_engine_prompt_tokens_total{source="cached"} 0',
      'eidetic_engine_prefill_tokens_total{purpose="consolidation"} 0',
      'eidetic_engine_prefill_step_seconds_count{purpose="prompt"} 0',
    ]),
  );
});

it("reads the load anew in every scrape, the same under its own and under vLLM's names", async () => {
  let load: DecoderLoad = { running: 3, waiting: 0, slots: 4, kvUsage: 0.5 };
  metrics.observeLoad(() => load);
  const names = ['requests_running', 'requests_waiting', 'slots', 'kv_usage'].map((noun) => `eidetic_engine_${noun}`);
  expect(await scrape(registry, ...names, 'vllm:')).toEqual([
    'eidetic_engine_requests_running 3',
    'vllm:num_requests_running{model_name="m",engine="0"} 3',
    'eidetic_engine_requests_waiting 0',
    'vllm:num_requests_waiting{model_name="m",engine="0"} 0',
    'eidetic_engine_slots 4',
    'eidetic_engine_kv_usage_ratio 0.5',
    'vllm:kv_cache_usage_perc{model_name="m",engine="0"} 0.5',
  ]);
  load = { running: 4, waiting: 9, slots: 4, kvUsage: 0.75 };
  expect(await scrape(registry, 'eidetic_engine_requests_waiting', 'vllm:')).toEqual([
    'vllm:num_requests_running{model_name="m",engine="0"} 4',
    'eidetic_engine_requests_waiting 9',
    'vllm:num_requests_waiting{model_name="m",engine="0"} 9',
    'vllm:kv_cache_usage_perc{model_name="m",engine="0"} 0.75',
  ]);
});

it('says nothing about load before there is a decoder, rather than that it is idle', async () => {
  expect(await scrape(registry, 'eidetic_engine_requests_running', 'eidetic_engine_slots', 'vllm:')).toEqual([]);
});
