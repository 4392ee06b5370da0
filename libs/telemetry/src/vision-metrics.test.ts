import { beforeEach, expect, it } from 'vitest';
import { scrape } from '../test/scrape.ts';
import { emptyRegistry, type Registry } from './registry.ts';
import { createVisionMetrics, type VisionMetrics } from './vision-metrics.ts';

let registry: Registry;
let metrics: VisionMetrics;

beforeEach(() => {
  registry = emptyRegistry();
  metrics = createVisionMetrics(registry);
});

it('counts pictures by what became of them, and whether they were known', async () => {
  metrics.finished('encoded');
  metrics.finished('encoded');
  metrics.finished('model_not_found');
  metrics.lookedUp('miss');
  const lines = await scrape(registry, 'eidetic_vision_images_finished', 'eidetic_vision_cache');
  expect(lines.filter((line) => !line.endsWith(' 0'))).toEqual([
    'eidetic_vision_images_finished_total{outcome="encoded"} 2',
    'eidetic_vision_images_finished_total{outcome="model_not_found"} 1',
    'eidetic_vision_cache_lookups_total{outcome="miss"} 1',
  ]);
});

it('tells the time around the encoder in seconds, and the size and time of batches', async () => {
  metrics.stage('queue', 1500);
  metrics.stage('cache_write', 250);
  metrics.batch(3, 500);
  metrics.batch(8, 750);
  expect(await scrape(registry, 'eidetic_vision_around_seconds_sum', 'eidetic_vision_batch_images_sum')).toEqual([
    'eidetic_vision_around_seconds_sum{stage="queue"} 1.5',
    'eidetic_vision_around_seconds_sum{stage="cache_write"} 0.25',
    'eidetic_vision_batch_images_sum 11',
  ]);
  expect(await scrape(registry, 'eidetic_vision_busy')).toEqual(['eidetic_vision_busy_seconds_total 1.25']);
  expect(await scrape(registry, 'eidetic_vision_batch_images_bucket{le="4"}')).toEqual([
    'eidetic_vision_batch_images_bucket{le="4"} 1',
  ]);
});

it('has every usual series at 0 before anything has happened, and says nothing about load', async () => {
  const lines = await scrape(registry, 'eidetic_vision_');
  expect(lines.filter((line) => !line.endsWith(' 0'))).toEqual([]);
  expect(lines).toContain('eidetic_vision_images_finished_total{outcome="cached"} 0');
  expect(lines.filter((line) => /running|waiting/.test(line))).toEqual([]);
});

it('reads the load anew in every scrape', async () => {
  let load = { running: 8, waiting: 3 };
  metrics.observeLoad(() => load);
  const names = ['eidetic_vision_images_running', 'eidetic_vision_images_waiting'];
  expect(await scrape(registry, ...names)).toEqual(names.map((name, i) => `${name} ${[8, 3][i]}`));
  load = { running: 0, waiting: 1 };
  expect(await scrape(registry, ...names)).toEqual(names.map((name, i) => `${name} ${[0, 1][i]}`));
});
