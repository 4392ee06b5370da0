import type { DecoderLoad } from '@eidetic/core';
import { Gauge } from 'prom-client';
import type { Registry } from './registry.ts';

const LOAD = [
  {
    name: 'eidetic_engine_requests_running',
    alias: 'vllm:num_requests_running',
    help: 'Requests that hold a slot.',
    value: ({ running }: DecoderLoad) => running,
  },
  {
    name: 'eidetic_engine_requests_waiting',
    alias: 'vllm:num_requests_waiting',
    help: 'Requests that wait for a slot.',
    value: ({ waiting }: DecoderLoad) => waiting,
  },
  {
    name: 'eidetic_engine_slots',
    help: 'Requests that can run at the same time.',
    value: ({ slots }: DecoderLoad) => slots,
  },
  {
    name: 'eidetic_engine_kv_usage_ratio',
    alias: 'vllm:kv_cache_usage_perc',
    help: 'Share of the KV memory that running requests need, prompt and longest answer counted: 0 to 1.',
    value: ({ kvUsage }: DecoderLoad) => kvUsage,
  },
];

/**
 * Registers gauges of a decoder's load that are read when they are scraped: under our names, and under those of vLLM with its
 * labels (vllm/v1/metrics/loggers.py), which the endpoint picker of the Gateway API Inference Extension and existing dashboards
 * look for. vLLM's `engine` is the index of an engine in its process; here it is the only one.
 */
export const registerLoad = (registry: Registry, model: string, read: () => DecoderLoad): void => {
  const registers = [registry];
  const labels = { model_name: model, engine: '0' };
  for (const { name, alias, help, value } of LOAD) {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(value(read()));
      },
    });
    if (alias === undefined) continue;
    new Gauge({
      name: alias,
      help: `${name} under vLLM's name.`,
      labelNames: Object.keys(labels),
      registers,
      collect() {
        this.set(labels, value(read()));
      },
    });
  }
};
