import { readFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { scrape } from '../test/scrape.ts';
import { createAccessMetrics } from './access-metrics.ts';
import { createBatchMetrics } from './batch-metrics.ts';
import * as buckets from './buckets.ts';
import { createCacheMetrics } from './cache-metrics.ts';
import { createChatMetrics } from './chat-metrics.ts';
import { createDecoderPoolMetrics } from './decoder-pool-metrics.ts';
import { createEncodeQueueMetrics } from './encode-queue-metrics.ts';
import { createEndpointMetrics } from './endpoint-metrics.ts';
import { createEngineMetrics } from './engine-metrics.ts';
import { createFileMetrics } from './file-metrics.ts';
import { createHttpMetrics } from './http-metrics.ts';
import { createImageFetchMetrics } from './image-fetch-metrics.ts';
import { createImageMetrics } from './image-metrics.ts';
import { registerReadiness } from './readiness.ts';
import { createRegistry } from './registry.ts';
import { createRpcMetrics } from './rpc-metrics.ts';
import { createVisionMetrics } from './vision-metrics.ts';

const PAGE = fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url));

/** Every label that a metric may have, and why its values are few. */
const LABELS: Readonly<Record<string, string>> = {
  version: 'one per process',
  model: 'one per process',
  node: 'one per process',
  model_name: 'one per process',
  engine: 'one per process',
  method: 'those that the HTTP parser knows; those of the gRPC services that are served',
  route: 'the patterns of routes, never an address',
  status: "HTTP's; those of batches",
  outcome:
    'ok, stop, length, encoded, cached and the error codes; hit and miss; queued, coalesced; how calls of a shared cache and look-ups of addresses end; fetched, and why a picture was not',
  stage: 'decode, preprocess, encode; queue, cache_write; waiting, prefill, decode; fetch, hash, lookup',
  source: 'computed, cached',
  purpose: 'prompt, consolidation; those of files',
  cache: 'embedding, image',
  tier: 'process, redis',
  call: 'read, write',
  reason:
    'why access is refused and limits are not shared; expired, abandoned, malformed; prefix, hash, spill, least_loaded; deleted, expired',
  attempt: 'first, continuation',
  service: 'vision, decoder',
  state: 'known, usable; those of a circuit breaker',
};

/** Labels of the metrics that prom-client has of Node.js and the process. */
const RUNTIME_LABELS = ['type', 'space', 'kind', 'version', 'major', 'minor', 'patch'];

const registryOfEverything = () => {
  const registry = createRegistry({ version: '1', model: 'm' });
  registerReadiness(registry, () => true);
  createHttpMetrics(registry);
  createAccessMetrics(registry);

  createFileMetrics(registry);
  createBatchMetrics(registry);
  createRpcMetrics(registry);
  createChatMetrics(registry);
  createImageMetrics(registry);
  createImageFetchMetrics(registry);
  createCacheMetrics(registry);
  createEncodeQueueMetrics(registry).observeBacklog(async () => ({
    jobs: 0,
    cost: 0,
    handled: { jobs: 0, cost: 0 },
    oldestMs: 0,
  }));
  createDecoderPoolMetrics(registry);
  createEndpointMetrics(registry);
  createVisionMetrics(registry).observeLoad(() => ({ running: 0, waiting: 0 }));
  createEngineMetrics(registry, 'm').observeLoad(() => ({ running: 0, waiting: 0, slots: 1, kvUsage: 0 }));
  return registry;
};

/** prom-client's types leave out a metric's labels. */
const labelsOf = (metric: object): readonly unknown[] => {
  if (!('labelNames' in metric) || !Array.isArray(metric.labelNames)) throw new Error('a metric without label names');
  return metric.labelNames;
};

const all = registryOfEverything().getMetricsAsArray();
const isRuntime = ({ name }: { name: string }): boolean => /^(nodejs|process)_/.test(name);
const own = all.filter((metric) => !isRuntime(metric));

it('has no label whose values are not known to be few', () => {
  for (const metric of own) {
    for (const label of labelsOf(metric)) expect(Object.keys(LABELS), metric.name).toContain(label);
  }
  for (const metric of all.filter(isRuntime)) {
    for (const label of labelsOf(metric)) expect(RUNTIME_LABELS, metric.name).toContain(label);
  }
});

it("names every metric eidetic_<area>_<noun>_<unit>, and three as vLLM's", () => {
  const pattern =
    /^eidetic_(build_info|engine_slots|service_ready|service_memory_limit_bytes|(http|file|batch|access|grpc|chat|image|vision|cache|encode_queue|decoder_pool|endpoint|engine)(_[a-z_]+)?_(seconds|total|running|waiting|ratio|rows|images|jobs|cost|pods|keys))$/;
  const names = own.map(({ name }) => name).filter((name) => !name.startsWith('vllm:'));
  expect(names.filter((name) => !pattern.test(name))).toEqual([]);
  expect(own.length - names.length).toBe(3);
});

it('ends the names of counters, and of nothing else, in _total', async () => {
  const types = await scrape(registryOfEverything(), '# TYPE eidetic_', '# TYPE vllm:');
  expect(types.length).toBe(own.length);
  for (const line of types) expect(line).toMatch(/_total counter$|(?<!_total) (gauge|histogram)$/);
});

it('has buckets in ascending order, without which histograms count wrongly', () => {
  for (const bounds of Object.values(buckets)) expect(bounds).toEqual(bounds.toSorted((a, b) => a - b));
});

it('says what runs', async () => {
  expect(await scrape(createRegistry({ version: '1', model: 'm' }), 'eidetic_build_info')).toEqual([
    `eidetic_build_info{version="1",model="m",node="${process.version}"} 1`,
  ]);
});

it('says whether it takes requests, each time anew', async () => {
  const registry = createRegistry({ version: '1', model: 'm' });
  let ready = false;
  registerReadiness(registry, () => ready);
  expect(await scrape(registry, 'eidetic_service_ready')).toEqual(['eidetic_service_ready 0']);
  ready = true;
  expect(await scrape(registry, 'eidetic_service_ready')).toEqual(['eidetic_service_ready 1']);
});

it('knows no more memory than there is', async () => {
  const [line] = await scrape(createRegistry({ version: '1', model: 'm' }), 'eidetic_service_memory_limit_bytes');
  const bytes = Number(line?.split(' ')[1]);
  expect(bytes).toBeGreaterThan(process.memoryUsage.rss());
  expect(bytes).toBeLessThanOrEqual(totalmem());
});

it('has every metric documented as it is, and documents no other', async () => {
  const types = await scrape(registryOfEverything(), '# TYPE ');
  const typeOf = new Map(types.map((line) => [line.split(' ')[2], line.split(' ')[3]]));
  const page = await readFile(PAGE, 'utf8');
  const documented = page.split('\n').filter((line) => /^\| `(eidetic_|vllm:)/.test(line));
  const expected = own.map((metric) => {
    const labels = labelsOf(metric).map((label) => `\`${label}\``);
    return `| \`${metric.name}\` | ${typeOf.get(metric.name)} | ${labels.join(', ')} | ${metric.help} |`;
  });
  expect(documented.toSorted()).toEqual(expected.toSorted());
});

it('asks in its documentation only for series that there are', async () => {
  const page = await readFile(PAGE, 'utf8');
  const named = page.match(/(eidetic_|vllm:|nodejs_|process_)[a-z0-9_]+/g) ?? [];
  const names = all.map(({ name }) => name);
  const unknown = named.filter(
    (name) => ![name, name.replace(/_(bucket|sum|count)$/, '')].some((x) => names.includes(x)),
  );
  expect(named.length).toBeGreaterThan(own.length);
  expect(unknown).toEqual([]);
});
