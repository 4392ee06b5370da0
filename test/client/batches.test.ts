import { type BatchStatus, createClient, type EideticClient } from '@eidetic/client';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { StandaloneServer } from '../support/standalone-server.ts';

let server: StandaloneServer;
let client: EideticClient;

beforeAll(async () => {
  server = await StandaloneServer.start();
  client = createClient({ baseUrl: server.url });
});
afterAll(() => server[Symbol.asyncDispose]());

const endpoint = '/v1/completions';
const line = (custom_id: string, body: object): string =>
  JSON.stringify({ custom_id, method: 'POST', url: endpoint, body: { model: 'qwen-vl-nano-chat', ...body } });
const begin = async (...lines: readonly string[]) => {
  const { id } = await client.files.upload({ file: lines.join('\n'), purpose: 'batch' });
  return client.batches.create({ input_file_id: id, endpoint });
};

it('waits for a batch and tells what became of each request', async () => {
  const { id } = await begin(
    line('a', { prompt: 'One', max_tokens: 3 }),
    line('b', { prompt: 'Two', temperature: 9 }),
    line('c', { prompt: 'Three', max_tokens: 2 }),
  );
  const seen: BatchStatus[] = [];
  const batch = await client.batches.wait(id, { pollMs: 20, onProgress: ({ status }) => seen.push(status) });
  expect(seen.at(-1)).toBe('completed');
  expect(batch.request_counts).toEqual({ total: 3, completed: 2, failed: 1 });
  const results = await Array.fromAsync(client.batches.results(batch));
  const outcomes = results.map(({ custom_id, response }) => [custom_id, response?.status_code]);
  expect(new Map(outcomes.map(([name, status]) => [name, status]))).toEqual(
    new Map([
      ['a', 200],
      ['b', 400],
      ['c', 200],
    ]),
  );
  expect(outcomes.at(-1)?.[0]).toBe('b');
});

it('tells what is wrong with the input, and cancels what has not ended', async () => {
  const wrong = await client.batches.wait((await begin('{"custom_id": 1}')).id, { pollMs: 20 });
  expect(wrong).toMatchObject({ status: 'failed', errors: { data: [{ line: 1 }] } });
  const slow = Array.from({ length: 200 }, (_, i) => line(`${i}`, { prompt: 'Go', max_tokens: 500, ignore_eos: true }));
  const { id } = await begin(...slow);
  await client.batches.cancel(id);
  expect((await client.batches.wait(id, { pollMs: 20 })).status).toBe('cancelled');
  expect((await Array.fromAsync(client.batches.list())).map((batch) => batch.id)).toContain(id);
});
