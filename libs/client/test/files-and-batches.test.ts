import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createClient, type EideticClient } from '../src/index.ts';
import { answer, refuse, ScriptedServer } from './scripted-server.ts';

const resources = new AsyncDisposableStack();
let server: ScriptedServer;
let client: EideticClient;

beforeEach(async () => {
  server = resources.use(new ScriptedServer());
  client = createClient({ baseUrl: await server.start(), retries: 2 });
});
afterAll(() => resources.disposeAsync());

const asked = (): string[] => server.requests.map(({ method, path }) => `${method} ${path}`);

describe('files', () => {
  it('are uploaded as a form, the file last, after what is said of it', async () => {
    const stored = { id: 'file-1' };
    server.script(answer(stored), answer(stored), answer(stored));
    const purpose = 'batch';
    expect(await client.files.upload({ file: '{"a":1}', purpose, expiresAfterSeconds: 3600 })).toEqual(stored);
    await client.files.upload({ file: new File(['x'], 'mine.jsonl'), purpose });
    await client.files.upload({ file: new Uint8Array([65]), purpose: 'vision', filename: 'a "b".png' });
    const forms = server.requests.map(({ body }) => String(body));
    expect(forms[0]).toMatch(
      /name="purpose"\s+batch\s.*name="expires_after\[anchor\]"\s+created_at\s.*name="expires_after\[seconds\]"\s+3600\s.*name="file"; filename="batch.jsonl".*\{"a":1\}/s,
    );
    expect(forms[1]).toContain('filename="mine.jsonl"');
    expect(forms[2]).toContain('filename="a %22b%22.png"');
    expect(server.requests[0]?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
  });

  it('are not uploaded twice when the connection breaks', async () => {
    server.script((response) => response.destroy());
    await expect(client.files.upload({ file: 'x', purpose: 'batch' })).rejects.toMatchObject({ reason: 'unreachable' });
    expect(server.requests).toHaveLength(1);
  });

  it('are listed page by page, the next page once it is wanted', async () => {
    server.script(
      answer({ data: [{ id: 'file-1' }, { id: 'file-2' }], has_more: true }),
      answer({ data: [{ id: 'file-3' }], has_more: false }),
    );
    const ids: string[] = [];
    for await (const { id } of client.files.list({ purpose: 'batch' })) {
      if (id === 'file-2') expect(server.requests).toHaveLength(1);
      ids.push(id);
    }
    expect(ids).toEqual(['file-1', 'file-2', 'file-3']);
    expect(asked()).toEqual(['GET /v1/files?purpose=batch', 'GET /v1/files?purpose=batch&after=file-2']);
  });

  it('are read and deleted by their id, whatever is in it', async () => {
    server.script(
      answer({ id: 'file-1' }),
      (response) => response.end(Buffer.from([0, 255, 128])),
      answer({ deleted: true }),
    );
    expect(await client.files.retrieve('../x')).toEqual({ id: 'file-1' });
    expect(await client.files.content('file-1')).toEqual(new Uint8Array([0, 255, 128]));
    await client.files.delete('file-1');
    expect(asked()).toEqual(['GET /v1/files/..%2Fx', 'GET /v1/files/file-1/content', 'DELETE /v1/files/file-1']);
  });
});

describe('batches', () => {
  it('are waited for until nothing more becomes of them', async () => {
    const states = ['validating', 'in_progress', 'finalizing', 'completed'];
    server.script(...states.map((status) => answer({ id: 'batch_1', status })));
    const seen: string[] = [];
    const done = await client.batches.wait('batch_1', { pollMs: 1, onProgress: ({ status }) => seen.push(status) });
    expect(done.status).toBe('completed');
    expect(seen).toEqual(states);
  });

  it('are not waited for any longer when the caller leaves', async () => {
    const leaving = new AbortController();
    server.script(answer({ id: 'batch_1', status: 'in_progress' }));
    const waiting = client.batches.wait('batch_1', {
      signal: leaving.signal,
      onProgress: () => leaving.abort(new Error('bye')),
    });
    await expect(waiting).rejects.toThrow('bye');
  });

  it('are made for 24 hours unless something else is asked for, and cancelled', async () => {
    server.script(answer({ id: 'batch_1' }), answer({ id: 'batch_1', status: 'cancelling' }));
    await client.batches.create({ input_file_id: 'file-1', endpoint: '/v1/chat/completions' });
    expect((await client.batches.cancel('batch_1')).status).toBe('cancelling');
    expect(server.requests[0]?.body).toMatchObject({ input_file_id: 'file-1', completion_window: '24h' });
    expect(asked()).toEqual(['POST /v1/batches', 'POST /v1/batches/batch_1/cancel']);
  });

  it('give the results of both files, one a line', async () => {
    const lines = (...ids: readonly string[]): string =>
      ids.map((custom_id) => `${JSON.stringify({ custom_id })}\n`).join('');
    server.script(
      (response) => response.end(lines('a', 'b')),
      (response) => response.end(lines('c')),
    );
    const results = await Array.fromAsync(
      client.batches.results({ output_file_id: 'file-1', error_file_id: 'file-2' }),
    );
    expect(results.map(({ custom_id }) => custom_id)).toEqual(['a', 'b', 'c']);
    expect(await Array.fromAsync(client.batches.results({ output_file_id: null }))).toEqual([]);
  });

  it('pass on what the server says', async () => {
    server.script(refuse(404, 'not_found'));
    await expect(client.batches.retrieve('batch_9')).rejects.toMatchObject({ status: 404, code: 'not_found' });
  });
});
