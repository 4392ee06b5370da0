import { expect, it } from 'vitest';
import { scrape } from '../test/scrape.ts';
import { createCacheMetrics } from './cache-metrics.ts';
import { measureEmbeddingCache } from './measure-embedding-cache.ts';
import { emptyRegistry } from './registry.ts';

it('counts look-ups and writes of each cache by outcome, every outcome from the start', async () => {
  const registry = emptyRegistry();
  const observerOf = createCacheMetrics(registry);
  const [embeddings, images] = [observerOf('embedding'), observerOf('image')];
  embeddings.read({ outcome: 'hit', durationMs: 2 });
  embeddings.read({ outcome: 'hit', durationMs: 2 });
  embeddings.read({ outcome: 'corrupt', durationMs: 2 });
  images.write({ outcome: 'stored', durationMs: 3 });
  const lines = await scrape(registry, 'eidetic_cache_reads_total', 'eidetic_cache_writes_total');
  expect(lines).toHaveLength(2 * (7 + 6));
  expect(lines.filter((line) => !line.endsWith(' 0'))).toEqual([
    'eidetic_cache_reads_total{cache="embedding",tier="redis",outcome="hit"} 2',
    'eidetic_cache_reads_total{cache="embedding",tier="redis",outcome="corrupt"} 1',
    'eidetic_cache_writes_total{cache="image",outcome="stored"} 1',
  ]);
});

it('measures look-ups and writes apart, in seconds', async () => {
  const registry = emptyRegistry();
  const embeddings = createCacheMetrics(registry)('embedding');
  embeddings.read({ outcome: 'timeout', durationMs: 250 });
  embeddings.write({ outcome: 'stored', durationMs: 500 });
  expect(await scrape(registry, 'eidetic_cache_call_seconds_sum')).toEqual([
    'eidetic_cache_call_seconds_sum{cache="embedding",tier="redis",call="read"} 0.25',
    'eidetic_cache_call_seconds_sum{cache="embedding",tier="redis",call="write"} 0.5',
  ]);
});

it('tells look-ups in memory apart, hits from misses, and says nothing of what cannot happen there', async () => {
  const registry = emptyRegistry();
  const found = { data: new Float32Array(1), tokens: 1, hidden: 1, imageWidth: 1, imageHeight: 1 };
  const cache = {
    get: async (key: string) => (key === 'known' ? found : undefined),
    set: async () => 'stored' as const,
  };
  let nowMs = 0;
  const measured = measureEmbeddingCache(cache, createCacheMetrics(registry)('embedding', 'process'), () => {
    nowMs += 125;
    return nowMs;
  });
  expect(await measured.get('known')).toBe(found);
  expect(await measured.get('unknown')).toBeUndefined();
  expect(
    await scrape(registry, 'eidetic_cache_reads', 'eidetic_cache_writes', 'eidetic_cache_call_seconds_sum'),
  ).toEqual([
    'eidetic_cache_reads_total{cache="embedding",tier="process",outcome="hit"} 1',
    'eidetic_cache_reads_total{cache="embedding",tier="process",outcome="miss"} 1',
    'eidetic_cache_call_seconds_sum{cache="embedding",tier="process",call="read"} 0.25',
  ]);
});
