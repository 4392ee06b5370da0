import { Readable } from 'node:stream';
import { BatchRunner, BatchService } from '@eidetic/batches';
import type { FastifyInstance } from 'fastify';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { temporaryBatchParts } from '../../test/batch-parts.ts';
import { ANSWER, chatThat, MODEL, play, serve, USER_SAYS_HI } from '../../test/serve.ts';
import { createExecute } from '../execute-request.ts';

const NOW_S = 1_700_000_000;
const DAY_S = 24 * 3600;
const SOON = { timeout: 20_000, interval: 10 };

let app: FastifyInstance;
let runner: BatchRunner;
let requests: ReturnType<typeof chatThat>['requests'];
let upload: (text: string, purpose?: 'batch' | 'user_data') => Promise<string>;

beforeEach(async () => {
  const shared = await temporaryBatchParts(() => NOW_S * 1000);
  const { files } = shared;
  const batches = new BatchService(shared);
  const chat = chatThat(() => play(ANSWER));
  requests = chat.requests;
  app = serve(chat.service, { files: () => files, batches: () => batches });
  runner = new BatchRunner({
    ...shared,
    execute: createExecute({ chat: chat.service, files: () => files }, { maxImagesPerRequest: 2 }, app.log),
    limits: { maxLines: 10, maxLineBytes: 10_000, concurrency: 2 },
    lookMs: 10,
  });
  onTestFinished(() => runner.close());
  upload = async (text, purpose = 'batch') => {
    const staged = await files.stage('', Readable.from([Buffer.from(text)]));
    return (await files.add('', staged, { filename: 'in.jsonl', purpose })).id;
  };
});

const call = async (method: 'GET' | 'POST', path: string, payload?: object, key?: string) => {
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const response = await app.inject({ method, url: `/v1${path}`, headers, ...(payload && { payload }) });
  return { status: response.statusCode, body: response.body, json: () => response.json() };
};
const draft = (input_file_id: string, rest: object = {}) => ({
  input_file_id,
  endpoint: '/v1/chat/completions',
  completion_window: '24h',
  ...rest,
});
const line = (custom_id: string, body: object): string =>
  `${JSON.stringify({ custom_id, method: 'POST', url: '/v1/chat/completions', body })}\n`;
const CHAT = { model: MODEL, messages: USER_SAYS_HI };

describe('a batch', () => {
  it('is what OpenAI calls a batch, from its creation to its end', async () => {
    const id = await upload(line('a', { ...CHAT, priority: -100 }) + line('b', { model: 'gpt' }));
    const created = (await call('POST', '/batches', draft(id, { metadata: { a: 'b' } }))).json();
    const fresh = {
      id: expect.stringMatching(/^batch_[0-9a-f]{32}$/),
      object: 'batch',
      endpoint: '/v1/chat/completions',
      errors: null,
      input_file_id: id,
      completion_window: '24h',
      status: 'validating',
      output_file_id: null,
      error_file_id: null,
      created_at: NOW_S,
      in_progress_at: null,
      expires_at: NOW_S + DAY_S,
      finalizing_at: null,
      completed_at: null,
      failed_at: null,
      expired_at: null,
      cancelling_at: null,
      cancelled_at: null,
      request_counts: { total: 0, completed: 0, failed: 0 },
      metadata: { a: 'b' },
    };
    expect(created).toEqual(fresh);
    await runner.start();
    const get = async () => (await call('GET', `/batches/${created.id}`)).json();
    await expect.poll(async () => (await get()).status, SOON).toBe('completed');
    const ended = await get();
    expect(ended).toEqual({
      ...fresh,
      status: 'completed',
      in_progress_at: NOW_S,
      finalizing_at: NOW_S,
      completed_at: NOW_S,
      output_file_id: expect.stringMatching(/^file-/),
      error_file_id: expect.stringMatching(/^file-/),
      request_counts: { total: 2, completed: 1, failed: 1 },
    });
    const contentOf = async (file: string) => JSON.parse((await call('GET', `/files/${file}/content`)).body);
    expect(await contentOf(ended.output_file_id)).toMatchObject({
      custom_id: 'a',
      response: { status_code: 200, request_id: expect.stringMatching(/^req_/), body: { object: 'chat.completion' } },
      error: null,
    });
    // As over HTTP.
    const alone = await call('POST', '/chat/completions', { model: 'gpt' });
    expect(await contentOf(ended.error_file_id)).toMatchObject({
      custom_id: 'b',
      response: { status_code: alone.status, body: alone.json() },
    });
    // Behind whatever people may ask for, whatever the line says.
    expect(requests.map(({ priority }) => priority)).toEqual([-200]);
  });

  it('does not stream', async () => {
    const { id } = (await call('POST', '/batches', draft(await upload(line('a', { ...CHAT, stream: true }))))).json();
    await runner.start();
    await expect.poll(async () => (await call('GET', `/batches/${id}`)).json().status, SOON).toBe('completed');
    const { error_file_id } = (await call('GET', `/batches/${id}`)).json();
    expect((await call('GET', `/files/${error_file_id}/content`)).body).toContain('"param":"stream"');
  });

  it('lists what is wrong with its input, by line', async () => {
    const { id } = (await call('POST', '/batches', draft(await upload('{}\n')))).json();
    await runner.start();
    await expect.poll(async () => (await call('GET', `/batches/${id}`)).json().status, SOON).toBe('failed');
    expect((await call('GET', `/batches/${id}`)).json()).toMatchObject({
      failed_at: NOW_S,
      errors: { object: 'list', data: [{ line: 1, param: 'custom_id', code: 'invalid_request' }] },
    });
  });

  it('can be cancelled before it has begun, once', async () => {
    const { id } = (await call('POST', '/batches', draft(await upload(line('a', CHAT))))).json();
    const cancelled = (await call('POST', `/batches/${id}/cancel`)).json();
    expect(cancelled).toMatchObject({ status: 'cancelling', cancelling_at: NOW_S });
    await runner.start();
    await expect.poll(async () => (await call('GET', `/batches/${id}`)).json().status, SOON).toBe('cancelled');
    expect((await call('GET', `/batches/${id}`)).json()).toMatchObject({ cancelled_at: NOW_S, output_file_id: null });
    expect((await call('POST', `/batches/${id}/cancel`)).status).toBe(400);
    expect(requests).toEqual([]);
  });

  it('is seen by nobody but its tenant', async () => {
    const { id } = (await call('POST', '/batches', draft(await upload(line('a', CHAT))))).json();
    expect((await call('GET', `/batches/${id}`, undefined, 'other')).status).toBe(404);
    expect((await call('POST', `/batches/${id}/cancel`, undefined, 'other')).status).toBe(404);
    expect((await call('GET', '/batches', undefined, 'other')).json().data).toEqual([]);
    const foreign = await call('POST', '/batches', draft(await upload(line('a', CHAT))), 'other');
    expect(foreign.json().error).toMatchObject({ code: 'invalid_request', param: 'input_file_id' });
  });
});

it('lists batches in pages, and lets no tenant have too many', async () => {
  const file = await upload(line('a', CHAT));
  for (const _ of [1, 2, 3]) expect((await call('POST', '/batches', draft(file))).status).toBe(200);
  const refused = await call('POST', '/batches', draft(file));
  expect(refused.status).toBe(403);
  expect(refused.json().error.code).toBe('quota_exceeded');
  const first = (await call('GET', '/batches?limit=2')).json();
  expect(first).toMatchObject({ object: 'list', has_more: true });
  const rest = (await call('GET', `/batches?limit=2&after=${first.last_id}`)).json();
  expect(rest).toMatchObject({ has_more: false });
  expect(new Set([...first.data, ...rest.data].map(({ id }) => id)).size).toBe(3);
});

it.each<[string, (file: string) => object, string]>([
  ['another window', (file) => draft(file, { completion_window: '1h' }), 'completion_window'],
  ['another endpoint', (file) => draft(file, { endpoint: '/v1/embeddings' }), 'endpoint'],
  ['a file that is not there', () => draft('file-0'), 'input_file_id'],
  ['metadata that is no text', (file) => draft(file, { metadata: { a: 1 } }), 'metadata.a'],
  [
    'an output that hardly lives',
    (file) => draft(file, { output_expires_after: { anchor: 'created_at', seconds: 1 } }),
    'output_expires_after.seconds',
  ],
  ['a parameter that is not known', (file) => draft(file, { cats: 1 }), 'cats'],
])('refuses %s by name', async (_, body, param) => {
  const response = await call('POST', '/batches', body(await upload(line('a', CHAT))));
  expect(response.status).toBe(400);
  expect(response.json().error).toMatchObject({ code: 'invalid_request', param });
});

it('refuses a file of another purpose', async () => {
  const response = await call('POST', '/batches', draft(await upload(line('a', CHAT), 'user_data')));
  expect(response.json().error).toMatchObject({ param: 'input_file_id', message: expect.stringMatching(/user_data/) });
});
