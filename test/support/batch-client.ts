import { expect } from 'vitest';

/** A batch, as far as tests look at it. */
export interface WireBatch {
  readonly id: string;
  readonly status: string;
  readonly output_file_id: string | null;
  readonly error_file_id: string | null;
  readonly request_counts: { readonly total: number; readonly completed: number; readonly failed: number };
}

const jsonOf = async <T>(response: Response): Promise<T> => {
  if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
};

/** Lines of a batch, each a short question with an id of its own. */
export const batchInput = (count: number, body: object): string =>
  Array.from({ length: count }, (_, i) => {
    const messages = [{ role: 'user', content: `What is ${i}?` }];
    const request = { model: 'qwen-vl-nano-chat', messages, temperature: 0, ...body };
    return `${JSON.stringify({ custom_id: `line-${i}`, method: 'POST', url: '/v1/chat/completions', body: request })}\n`;
  }).join('');

/** Uploads an input and makes a batch of it. */
export const createBatch = async (url: string, input: string): Promise<WireBatch> => {
  const form = new FormData();
  form.append('purpose', 'batch');
  form.append('file', new Blob([input]), 'input.jsonl');
  const { id } = await jsonOf<{ id: string }>(await fetch(`${url}/v1/files`, { method: 'POST', body: form }));
  const body = { input_file_id: id, endpoint: '/v1/chat/completions', completion_window: '24h' };
  const headers = { 'content-type': 'application/json' };
  return jsonOf(await fetch(`${url}/v1/batches`, { method: 'POST', headers, body: JSON.stringify(body) }));
};

export const getBatch = async (url: string, id: string): Promise<WireBatch> =>
  jsonOf(await fetch(`${url}/v1/batches/${id}`));

/** Resolves to the batch once it has ended. */
export const batchEnd = async (url: string, id: string): Promise<WireBatch> => {
  const ends = ['completed', 'failed', 'cancelled', 'expired'];
  const soon = { timeout: 90_000, interval: 100 };
  await expect.poll(async () => ends.includes((await getBatch(url, id)).status), soon).toBe(true);
  return getBatch(url, id);
};

/** The `custom_id`s of an output file, in its order. */
export const customIdsOf = async (url: string, fileId: string | null): Promise<string[]> => {
  const text = await (await fetch(`${url}/v1/files/${fileId}/content`)).text();
  const lines = text.trim().split('\n');
  return lines.map((line) => (JSON.parse(line) as { custom_id: string }).custom_id);
};
