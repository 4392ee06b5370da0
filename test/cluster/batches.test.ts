import { expect, it } from 'vitest';
import { batchEnd, batchInput, createBatch, customIdsOf } from '../support/batch-client.ts';
import { startCluster, sumOf } from '../support/clusters.ts';

const LINES = 24;

it('is taken over by the other gateway when the one that runs it is killed', { timeout: 180_000 }, async () => {
  await using watched = await startCluster({
    visionEncoders: 1,
    decoders: 1,
    gatewaySettings: { EIDETIC_BATCH_LOCK: '1s' },
  });
  const [first, second] = watched.cluster.gateways;
  if (!first || !second) throw new Error('There are two gateways.');
  const { id } = await createBatch(first.http, batchInput(LINES, { max_tokens: 16, ignore_eos: true }));
  const answeredBy = async (gateway: typeof first): Promise<number> =>
    sumOf([gateway], 'eidetic_batch_lines_total', 'outcome="completed"').catch(() => 0);
  const most = async () => Math.max(await answeredBy(first), await answeredBy(second));
  await expect.poll(most, { timeout: 60_000, interval: 10 }).toBeGreaterThanOrEqual(3);
  const [runner, other] = (await answeredBy(first)) > 0 ? [first, second] : [second, first];
  await runner.kill();
  const batch = await batchEnd(other.http, id);
  expect(batch).toMatchObject({ status: 'completed', request_counts: { total: LINES, completed: LINES, failed: 0 } });
  const ids = Array.from({ length: LINES }, (_, i) => `line-${i}`);
  expect(await customIdsOf(other.http, batch.output_file_id)).toEqual(ids);
  expect(await answeredBy(other)).toBeGreaterThan(0);
  expect(await answeredBy(other)).toBeLessThan(LINES);
});
