import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ServiceProcess } from '@eidetic/launcher';
import { expect, it, onTestFinished } from 'vitest';
import { batchEnd, batchInput, createBatch, customIdsOf, getBatch } from '../support/batch-client.ts';
import { sumOf } from '../support/clusters.ts';

const LINES = 40;

it('answers each line once although its server is killed half-way', { timeout: 120_000 }, async () => {
  const directory = await mkdtemp(join(tmpdir(), 'eidetic-data-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
  const settings = { EIDETIC_HTTP_PORT: '0', EIDETIC_GRPC_PORT: '0', EIDETIC_DATA_DIR: directory };
  await using server = await ServiceProcess.start('standalone', { settings });
  const { id } = await createBatch(server.http, batchInput(LINES, { max_tokens: 16, ignore_eos: true }));
  const completed = async () => (await getBatch(server.http, id)).request_counts.completed;
  await expect.poll(completed, { timeout: 60_000, interval: 10 }).toBeGreaterThanOrEqual(5);
  await server.kill();
  await server.restart();
  const kept = await completed();
  expect(kept).toBeGreaterThanOrEqual(5);
  const batch = await batchEnd(server.http, id);
  expect(batch).toMatchObject({
    status: 'completed',
    error_file_id: null,
    request_counts: { total: LINES, completed: LINES, failed: 0 },
  });
  const ids = Array.from({ length: LINES }, (_, i) => `line-${i}`);
  expect(await customIdsOf(server.http, batch.output_file_id)).toEqual(ids);
  // It began with none of those that were done.
  expect(await sumOf([server], 'eidetic_batch_lines_total', 'outcome="completed"')).toBeLessThanOrEqual(LINES - 5);
});
