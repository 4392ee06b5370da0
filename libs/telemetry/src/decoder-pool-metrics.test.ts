import { expect, it } from 'vitest';
import { scrape } from '../test/scrape.ts';
import { createDecoderPoolMetrics } from './decoder-pool-metrics.ts';
import { emptyRegistry } from './registry.ts';

it('counts where requests went and why, how that ended, and answers that went on elsewhere', async () => {
  const registry = emptyRegistry();
  const pool = createDecoderPoolMetrics(registry);
  pool.routed({ reason: 'hash', continues: false });
  pool.prefilled({ promptTokens: 100, cachedTokens: 60 });
  pool.attempted({ outcome: 'unavailable' });
  pool.routed({ reason: 'prefix', continues: true });
  pool.resumed({ tokens: 7, gapMs: 250 });
  pool.attempted({ outcome: 'ok' });
  pool.foreignModel();
  const lines = await scrape(registry, 'eidetic_decoder_pool_');
  expect(lines.filter((line) => / 0$/.test(line)).filter((line) => line.includes('_total{'))).toHaveLength(6 + 3);
  expect(lines.filter((line) => /_(total|sum)\b/.test(line) && !line.endsWith(' 0'))).toEqual([
    'eidetic_decoder_pool_routed_total{reason="prefix",attempt="continuation"} 1',
    'eidetic_decoder_pool_routed_total{reason="hash",attempt="first"} 1',
    'eidetic_decoder_pool_attempts_total{outcome="ok"} 1',
    'eidetic_decoder_pool_attempts_total{outcome="unavailable"} 1',
    'eidetic_decoder_pool_prompt_tokens_total{source="computed"} 40',
    'eidetic_decoder_pool_prompt_tokens_total{source="cached"} 60',
    'eidetic_decoder_pool_replayed_tokens_total 7',
    'eidetic_decoder_pool_resume_seconds_sum 0.25',
    'eidetic_decoder_pool_foreign_models_total 1',
  ]);
});
