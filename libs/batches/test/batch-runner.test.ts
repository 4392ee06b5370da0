import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { DirectoryFileStore, FileService } from '@eidetic/files';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import {
  type Answer,
  type Batch,
  BatchRunner,
  BatchService,
  DirectoryBatchStore,
  type Execute,
  MemoryBatchQueue,
} from '../src/index.ts';

const SOON = { timeout: 20_000, interval: 10 };
const DAY_MS = 24 * 3_600_000;
const OBSERVER = { entered: () => undefined, lineEnded: () => undefined };

let directory: string;
let nowMs: number;
const now = (): number => nowMs;
beforeEach(async () => {
  nowMs = 1_000_000;
  directory = await mkdtemp(join(tmpdir(), 'eidetic-batches-'));
  onTestFinished(() => rm(directory, { recursive: true, force: true }));
});

/** A process that runs batches, as if it started now. */
const startProcess = async (execute: Execute, concurrency = 2, maxLineBytes = 500) => {
  const files = new FileService({
    store: await DirectoryFileStore.open(join(directory, 'files')),
    limits: { maxFileBytes: 1e6, quota: { maxFiles: 1, maxBytes: 1e6 } },
    observer: { added: () => undefined, removed: () => undefined },
    now,
  });
  const failures: Error[] = [];
  const store = await DirectoryBatchStore.open(join(directory, 'batches'));
  const queue = new MemoryBatchQueue((error) => failures.push(error));
  const shared = { store, queue, files, observer: OBSERVER, now };
  const service = new BatchService({ ...shared, maxOpen: 5 });
  const limits = { maxLines: 50, maxLineBytes, concurrency };
  const runner = new BatchRunner({ ...shared, execute, limits, lookMs: 5 });
  await runner.start();
  onTestFinished(() => runner.close());
  const create = async (input: string): Promise<Batch> => {
    const staged = await files.stage('t', Readable.from([Buffer.from(input)]));
    const { id } = await files.add('t', staged, { filename: 'in.jsonl', purpose: 'batch' });
    return service.create('t', { endpoint: '/v1/chat/completions', inputFileId: id, metadata: null });
  };
  const becomes = async (id: string, status: Batch['status']): Promise<Batch> => {
    await expect.poll(async () => (await service.get('t', id)).status, SOON).toBe(status);
    return service.get('t', id);
  };
  const linesOf = async (id: string | undefined) => {
    if (id === undefined) return [];
    const pieces = await Array.fromAsync((await files.read('t', id)).content);
    const lines = Buffer.concat(pieces).toString().trim().split('\n');
    return lines.map((line) => JSON.parse(line));
  };
  return { service, files, runner, failures, create, becomes, linesOf };
};

const request = (i: number, rest: object = {}): string =>
  JSON.stringify({ custom_id: `c${i}`, method: 'POST', url: '/v1/chat/completions', body: { i }, ...rest });
const inputOf = (count: number): string => Array.from({ length: count }, (_, i) => `${request(i)}\n`).join('');
const good = (body: unknown): Answer => ({ status: 200, requestId: 'r', body });
const echo: Execute = async (_, body) => good(body);
/** Answers when told to, or never when its signal is aborted. */
const holding = () => {
  const release = Promise.withResolvers<void>();
  const begun: unknown[] = [];
  const execute: Execute = async (_, body, { signal }) => {
    begun.push(body.i);
    const left = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    await Promise.race([release.promise, left]);
    return signal.aborted ? { status: 499, requestId: 'r', body: {}, code: 'cancelled' } : good(body);
  };
  return { execute, begun, release };
};

describe('a batch', () => {
  it('has expired, and so has a line of it that was being answered when its window ended', async () => {
    const execute: Execute = async () => {
      nowMs += DAY_MS;
      return { status: 504, requestId: 'r', body: {}, code: 'deadline_exceeded' };
    };
    const { create, becomes, linesOf } = await startProcess(execute);
    const { id } = await create(inputOf(1));
    const { errorFileId } = await becomes(id, 'expired');
    expect(await linesOf(errorFileId)).toMatchObject([{ response: null, error: { code: 'batch_expired' } }]);
  });

  it('has the answers in the order of its lines, and the errors in a file of their own', async () => {
    const execute: Execute = async (_, body) =>
      body.i === 1 ? { status: 400, requestId: 'r', body: { error: {} }, code: 'invalid_request' } : good(body);
    const { create, becomes, linesOf, files } = await startProcess(execute);
    const { id } = await create(`${inputOf(3)}\n \n`);
    const batch = await becomes(id, 'completed');
    expect(batch).toMatchObject({ total: 3, completed: 2, failed: 1, endedAtMs: nowMs });
    expect(await linesOf(batch.outputFileId)).toEqual([
      {
        id: expect.stringMatching(/^batch_req_/),
        custom_id: 'c0',
        response: { status_code: 200, request_id: 'r', body: { i: 0 } },
        error: null,
      },
      expect.objectContaining({ custom_id: 'c2' }),
    ]);
    expect(await linesOf(batch.errorFileId)).toMatchObject([
      { custom_id: 'c1', response: { status_code: 400, body: { error: {} } } },
    ]);
    // Its owner keeps as much as they may; what the server owes them comes all the same.
    expect(await files.get('t', batch.outputFileId ?? '')).toMatchObject({ purpose: 'batch_output' });
  });

  it('never has more lines under way than it may', async () => {
    let [running, most] = [0, 0];
    const execute: Execute = async (_, body) => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setImmediate(resolve));
      running -= 1;
      return good(body);
    };
    const { create, becomes } = await startProcess(execute, 3);
    await becomes((await create(inputOf(20))).id, 'completed');
    expect(most).toBe(3);
  });

  it('is tried again where the server was busy, and not where the request is wrong', async () => {
    const tries: unknown[] = [];
    const execute: Execute = async (_, body) => {
      tries.push(body.i);
      const busy = body.i === 0 && tries.length === 1;
      return busy ? { status: 429, requestId: 'r', body: {}, code: 'overloaded' } : good(body);
    };
    const { create, becomes } = await startProcess(execute, 1);
    expect(await becomes((await create(inputOf(2))).id, 'completed')).toMatchObject({ completed: 2 });
    expect(tries).toEqual([0, 0, 1]);
  });

  it('goes on where it was after its process was lost, without a finished line done again', async () => {
    const first = holding();
    const before = await startProcess(async (endpoint, body, context) =>
      (body.i as number) < 3 ? good(body) : first.execute(endpoint, body, context),
    );
    const { id } = await before.create(inputOf(6));
    await expect.poll(async () => (await before.service.get('t', id)).completed, SOON).toBe(3);
    // The first process is as good as dead: what it began never ends.
    const done: unknown[] = [];
    const after = await startProcess(async (_, body) => {
      done.push(body.i);
      return good(body);
    });
    const batch = await after.becomes(id, 'completed');
    expect(done).toEqual([3, 4, 5]);
    const ids = (await after.linesOf(batch.outputFileId)).map(({ custom_id }) => custom_id);
    expect(ids).toEqual(['c0', 'c1', 'c2', 'c3', 'c4', 'c5']);
    first.release.resolve();
  });

  it('lets running lines end when its process drains, begins no others, and is completed by the next', async () => {
    const held = holding();
    const { create, runner, service } = await startProcess(held.execute);
    const { id } = await create(inputOf(5));
    await expect.poll(() => held.begun, SOON).toEqual([0, 1]);
    const closing = runner.close();
    held.release.resolve();
    await closing;
    expect(held.begun).toEqual([0, 1]);
    expect(await service.get('t', id)).toMatchObject({ status: 'in_progress', completed: 2 });
    const after = await startProcess(echo);
    expect(await after.becomes(id, 'completed')).toMatchObject({ completed: 5 });
  });

  it('stops its lines when it is cancelled, and has what was done', async () => {
    const held = holding();
    const execute: Execute = (endpoint, body, context) =>
      body.i === 0 ? echo(endpoint, body, context) : held.execute(endpoint, body, context);
    const { create, becomes, linesOf, service } = await startProcess(execute);
    const { id } = await create(inputOf(9));
    await expect.poll(() => held.begun, SOON).toEqual([1, 2]);
    expect(await service.cancel('t', id)).toMatchObject({ status: 'cancelling', cancellingAtMs: nowMs });
    const batch = await becomes(id, 'cancelled');
    expect(batch).toMatchObject({ total: 9, completed: 1, failed: 0 });
    expect(await linesOf(batch.outputFileId)).toMatchObject([{ custom_id: 'c0' }]);
    await expect(service.cancel('t', id)).rejects.toMatchObject({ code: 'invalid_request' });
  });

  it('expires after a day: the lines that were not done say so', async () => {
    const held = holding();
    const execute: Execute = (endpoint, body, context) =>
      body.i === 0 ? echo(endpoint, body, context) : held.execute(endpoint, body, context);
    const { create, becomes, linesOf } = await startProcess(execute);
    const { id } = await create(inputOf(4));
    await expect.poll(() => held.begun, SOON).toEqual([1, 2]);
    nowMs += DAY_MS;
    const batch = await becomes(id, 'expired');
    expect(batch).toMatchObject({ completed: 1, failed: 3 });
    expect(await linesOf(batch.outputFileId)).toMatchObject([{ custom_id: 'c0' }]);
    const late = { response: null, error: { code: 'batch_expired' } };
    const ids = ['c1', 'c2', 'c3'];
    expect(await linesOf(batch.errorFileId)).toMatchObject(ids.map((custom_id) => ({ custom_id, ...late })));
  });

  it('fails with what it has when its input is deleted before it went on', async () => {
    const held = holding();
    const before = await startProcess(held.execute);
    const { id, inputFileId } = await before.create(inputOf(5));
    await expect.poll(() => held.begun, SOON).toEqual([0, 1]);
    const closing = before.runner.close();
    held.release.resolve();
    await closing;
    await before.files.remove('t', inputFileId);
    const after = await startProcess(echo);
    const batch = await after.becomes(id, 'failed');
    expect(batch.errors).toMatchObject([{ code: 'file_not_found', param: 'input_file_id' }]);
    expect(await after.linesOf(batch.outputFileId)).toHaveLength(2);
  });
});

describe('a batch that was made when requests might be larger', () => {
  const large = (i: number): string => request(i, { body: { i, x: 'x'.repeat(300) } });
  const input = `${request(0)}\n${large(1)}\n${' '.repeat(400)}\n${request(2)}\n${large(3)}`;

  /** A process that ended while it ran the first line. */
  const leave = async (): Promise<string> => {
    const held = holding();
    const { create, runner } = await startProcess(held.execute, 1);
    const { id } = await create(input);
    await expect.poll(() => held.begun, SOON).toEqual([0]);
    const closing = runner.close();
    held.release.resolve();
    await closing;
    return id;
  };

  it('ends, with an error for each line that is too large now, and the others answered', async () => {
    const id = await leave();
    const { becomes, linesOf, failures } = await startProcess(echo, 1, 200);
    const batch = await becomes(id, 'completed');
    expect(batch).toMatchObject({ total: 4, completed: 2, failed: 2 });
    expect(await linesOf(batch.outputFileId)).toMatchObject([{ custom_id: 'c0' }, { custom_id: 'c2' }]);
    const problem = (line: number) => ({
      code: 'line_too_long',
      message: `Line ${line} has more than the 200 bytes that a request may have.`,
    });
    expect(await linesOf(batch.errorFileId)).toMatchObject([
      { custom_id: 'c1', response: null, error: problem(2) },
      { custom_id: 'c3', response: null, error: problem(5) },
    ]);
    expect(failures).toEqual([]);
  });

  it('expires all the same', async () => {
    const id = await leave();
    nowMs += DAY_MS;
    const { becomes } = await startProcess(echo, 1, 200);
    expect(await becomes(id, 'expired')).toMatchObject({ total: 4, completed: 1, failed: 3 });
  });
});

describe('an input', () => {
  it.each<[string, string, object[]]>([
    ['no JSON', `${request(0)}\n{"custom`, [{ code: 'invalid_json_line', line: 2 }]],
    ['no requests', ' \n', [{ code: 'empty_file', line: null }]],
    ['no custom_id', request(0, { custom_id: undefined }), [{ param: 'custom_id', line: 1 }]],
    ['a repeated custom_id', `${request(0)}\n\n${request(0)}`, [{ code: 'duplicate_custom_id', line: 3 }]],
    ['another method', request(0, { method: 'GET' }), [{ param: 'method', line: 1 }]],
    ['another URL', request(0, { url: '/v1/models' }), [{ code: 'invalid_url', param: 'url', line: 1 }]],
    ['no body', request(0, { body: 'x' }), [{ param: 'body', line: 1 }]],
    ['too many lines', inputOf(51), [{ code: 'too_many_lines', line: 51 }]],
    [
      'a long line',
      `${request(0)}\n${request(1, { body: { x: 'x'.repeat(500) } })}`,
      [{ code: 'line_too_long', line: 2 }],
    ],
    ['several mistakes', 'a\nb\n', [{ line: 1 }, { line: 2 }]],
    [
      'a long line among other mistakes',
      `a\n${'['.repeat(501)}\n${' '.repeat(501)}\nb`,
      [{ line: 1 }, { code: 'line_too_long', line: 2 }, { code: 'line_too_long', line: 3 }, { line: 4 }],
    ],
  ])('with %s fails the batch and says where, and no line is run', async (_, input, errors) => {
    const { create, becomes } = await startProcess(async () => {
      throw new Error('a line was run');
    });
    const batch = await becomes((await create(input)).id, 'failed');
    expect(batch.errors).toMatchObject(errors);
    expect(batch.errors).toHaveLength(errors.length);
  });
});
