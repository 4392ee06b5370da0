import { once } from 'node:events';
import { createConnection } from 'node:net';
import { promisify } from 'node:util';
import type { FileRecord, FileService } from '@eidetic/files';
import type { FastifyInstance } from 'fastify';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { temporaryFiles } from '../../test/file-service.ts';
import { ANSWER, chatThat, MODEL, play, post, serve } from '../../test/serve.ts';

const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==',
  'base64',
);
const HOUR_S = 3600;

type Field = readonly [name: string, value: string | Blob, filename?: string];
const purpose = (value: string): Field => ['purpose', value];
const file = (bytes: Uint8Array | string, filename = 'pixel.png'): Field => ['file', new Blob([bytes]), filename];

let nowMs: number;
let app: FastifyInstance;
let requests: ReturnType<typeof chatThat>['requests'];
beforeEach(async () => {
  nowMs = 1_700_000_000_500;
  const files = await temporaryFiles(() => nowMs);
  const chat = chatThat(() => play(ANSWER));
  requests = chat.requests;
  app = serve(chat.service, { files: () => files });
});

const as = (key: string) => ({ authorization: `Bearer ${key}` });
const upload = async (fields: readonly Field[], key = 'a') => {
  const form = new FormData();
  for (const [name, value, filename] of fields) {
    if (typeof value === 'string') form.append(name, value);
    else form.append(name, value, filename);
  }
  const { headers, body } = new Response(form);
  const payload = Buffer.concat(await Array.fromAsync(body ?? []));
  const type = headers.get('content-type') ?? '';
  return app.inject({ method: 'POST', url: '/v1/files', headers: { ...as(key), 'content-type': type }, payload });
};
const get = (url: string, key = 'a') => app.inject({ method: 'GET', url: `/v1/files${url}`, headers: as(key) });

/** Asks for a file as a client does that then reads nothing of it; the file is larger than what sockets hold. */
const stalledDownload = async (files: FileService) => {
  const content = Buffer.alloc(16 * 2 ** 20);
  const closed = Promise.withResolvers<void>();
  const read: FileService['read'] = async () => ({
    file: { sizeBytes: content.length } as FileRecord,
    content: (async function* () {
      try {
        for (let start = 0; start < content.length; start += 65_536) yield content.subarray(start, start + 65_536);
      } finally {
        closed.resolve();
      }
    })(),
  });
  const stalled = serve(chatThat(() => play(ANSWER)).service, {
    files: () => Object.assign(Object.create(files), { read }),
    requestDeadlineMs: 50,
  });
  const url = new URL(await stalled.listen());
  const socket = createConnection(Number(url.port), url.hostname);
  onTestFinished(() => void socket.destroy());
  socket.write('GET /v1/files/file-x/content HTTP/1.1\r\nhost: a\r\n\r\n');
  await once(socket, 'readable');
  return { socket, closed: closed.promise };
};

describe('a file', () => {
  it('is what OpenAI calls a file, with what a picture is', async () => {
    const response = await upload([file(PIXEL), purpose('vision')]);
    expect(response.json()).toEqual({
      id: expect.stringMatching(/^file-[0-9a-f]{32}$/),
      object: 'file',
      bytes: PIXEL.length,
      created_at: 1_700_000_000,
      expires_at: null,
      filename: 'pixel.png',
      purpose: 'vision',
      status: 'processed',
      status_details: null,
      eidetic: { image_id: expect.stringMatching(/^[0-9a-f]{64}$/), width: 1, height: 1 },
    });
    expect((await get(`/${response.json().id}`)).json()).toEqual(response.json());
  });

  it('may come before or after what it is for, and comes back byte for byte', async () => {
    for (const fields of [
      [file('{}\n', 'in.jsonl'), purpose('batch')],
      [purpose('user_data'), file('{}\n', 'in.jsonl')],
    ]) {
      const { id } = (await upload(fields)).json();
      const content = await get(`/${id}/content`);
      expect(content.body).toBe('{}\n');
      expect(content.headers).toMatchObject({ 'content-length': '3', 'content-disposition': 'attachment' });
    }
  });

  it('is let go of soon after the deadline although its reader has stalled', async () => {
    const { socket, closed } = await stalledDownload(await temporaryFiles());
    await closed;
    socket.resume();
    // The connection is closed before the file has ended, so that nobody takes what came for all of it.
    const taken = await Array.fromAsync(socket, (piece: Buffer) => piece.length).catch(() => []);
    expect(taken.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(16 * 2 ** 20);
  });

  it('is gone when it has expired or was deleted', async () => {
    const lifetime: Field[] = [
      ['expires_after[anchor]', 'created_at'],
      ['expires_after[seconds]', String(HOUR_S)],
    ];
    const expiring = (await upload([purpose('user_data'), ...lifetime, file('x')])).json();
    expect(expiring.expires_at).toBe(1_700_000_000 + HOUR_S);
    const { id } = (await upload([purpose('user_data'), file('x')])).json();
    const deleted = await app.inject({ method: 'DELETE', url: `/v1/files/${id}`, headers: as('a') });
    expect(deleted.json()).toEqual({ id, object: 'file', deleted: true });
    nowMs += HOUR_S * 1000;
    for (const gone of [id, expiring.id]) {
      for (const path of [`/${gone}`, `/${gone}/content`]) {
        const response = await get(path);
        expect(response.statusCode).toBe(404);
        expect(response.json().error).toMatchObject({ type: 'invalid_request_error', code: 'not_found' });
      }
    }
    expect((await get('')).json().data).toEqual([]);
  });

  it('may be deleted by a request that says JSON of the body that it does not have', async () => {
    const { id } = (await upload([file(PIXEL), purpose('vision')])).json();
    const headers = { ...as('a'), 'content-type': 'application/json' };
    const response = await app.inject({ method: 'DELETE', url: `/v1/files/${id}`, headers });
    expect(response.json()).toEqual({ id, object: 'file', deleted: true });
  });

  it('of a batch goes after 30 days', async () => {
    const { created_at, expires_at } = (await upload([purpose('batch'), file('{}')])).json();
    expect(expires_at - created_at).toBe(30 * 24 * HOUR_S);
  });

  it('is seen by nobody but its tenant', async () => {
    const { id } = (await upload([purpose('vision'), file(PIXEL)])).json();
    for (const path of [`/${id}`, `/${id}/content`]) expect((await get(path, 'b')).statusCode).toBe(404);
    const deletion = await app.inject({ method: 'DELETE', url: `/v1/files/${id}`, headers: as('b') });
    expect(deletion.statusCode).toBe(404);
    expect((await get('', 'b')).json().data).toEqual([]);
    expect((await get(`/${id}`)).statusCode).toBe(200);
  });
});

describe('the list', () => {
  it('has pages, newest first unless asked otherwise, and one purpose if asked for', async () => {
    const ids: string[] = [];
    for (const [i, each] of ['batch', 'user_data', 'batch'].entries()) {
      nowMs += 1000;
      ids.push((await upload([purpose(each), file(`${i}`)])).json().id);
    }
    const [first, second, third] = ids;
    const idsOf = async (query: string) => {
      const { data, ...rest } = (await get(query)).json();
      return { ids: data.map(({ id }: { id: string }) => id), ...rest };
    };
    expect(await idsOf('')).toEqual({
      ids: [third, second, first],
      object: 'list',
      first_id: third,
      last_id: first,
      has_more: false,
    });
    expect(await idsOf('?order=asc&limit=2')).toMatchObject({ ids: [first, second], has_more: true });
    expect(await idsOf(`?order=asc&limit=2&after=${second}`)).toMatchObject({ ids: [third], has_more: false });
    expect(await idsOf('?purpose=batch')).toMatchObject({ ids: [third, first] });
  });

  it.each([
    ['?limit=0', 'limit'],
    ['?limit=x', 'limit'],
    ['?order=up', 'order'],
    ['?purpose=cats', 'purpose'],
    ['?after=file-0', 'after'],
    ['?cats=1', 'cats'],
  ])('refuses %s by name', async (query, param) => {
    const response = await get(query);
    expect(response.statusCode).toBe(400);
    expect(response.json().error).toMatchObject({ code: 'invalid_request', param });
  });
});

describe('an upload', () => {
  const RELATIVE: Field = ['expires_after[anchor]', 'created_at'];
  it.each<[string, Field[], number, string, string | null]>([
    ['no purpose', [file('x')], 400, 'invalid_request', 'purpose'],
    ['an unknown purpose', [purpose('fine-tune'), file('x')], 400, 'invalid_request', 'purpose'],
    ['no file', [purpose('batch')], 400, 'invalid_request', 'file'],
    ['two files', [purpose('batch'), file('x'), file('y')], 400, 'invalid_request', null],
    ['an empty file', [purpose('batch'), file('')], 400, 'invalid_request', 'file'],
    ['what is no picture', [purpose('vision'), file('GIF89a, not')], 400, 'invalid_image', 'file'],
    ['a large picture', [purpose('vision'), file(new Uint8Array(70_000))], 413, 'image_too_large', 'file'],
    ['a large file', [purpose('batch'), file(new Uint8Array(100_001))], 413, 'body_too_large', 'file'],
    [
      'a life that is too short',
      [purpose('batch'), RELATIVE, ['expires_after[seconds]', '3599'], file('x')],
      400,
      'invalid_request',
      'expires_after.seconds',
    ],
    ['a field that is not known', [purpose('batch'), ['cats', '1'], file('x')], 400, 'invalid_request', 'cats'],
  ])('with %s is refused, and nothing of it is kept', async (_, fields, status, code, param) => {
    const response = await upload(fields);
    expect(response.json().error).toMatchObject({ code, ...(param !== null && { param }) });
    expect(response.statusCode).toBe(status);
    expect((await get('')).json().data).toEqual([]);
  });

  it('of JSON is told what a form is', async () => {
    const response = await app.inject({ method: 'POST', url: '/v1/files', payload: {}, headers: as('a') });
    expect(response.statusCode).toBe(400);
    expect(response.json().error.message).toMatch(/multipart\/form-data/);
  });

  it.each([
    ['no end', 'multipart/form-data; boundary=b', '--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nba'],
    ['another boundary than it says', 'multipart/form-data; boundary=c', '--b--\r\n'],
    ['no boundary', 'multipart/form-data', '--b--\r\n'],
  ])('with %s is refused as a bad body', async (_, type, payload) => {
    const headers = { ...as('a'), 'content-type': type };
    const response = await app.inject({ method: 'POST', url: '/v1/files', payload, headers });
    expect(response.statusCode).toBe(400);
    expect(response.json().error).toMatchObject({ code: 'invalid_request', message: expect.stringMatching(/^body: /) });
  });

  it('may have a file without a name, but no part without one', async () => {
    const send = (...parts: readonly string[]) =>
      app.inject({
        method: 'POST',
        url: '/v1/files',
        headers: { ...as('a'), 'content-type': 'multipart/form-data; boundary=b' },
        payload: `${parts.map((part) => `--b\r\ncontent-disposition: form-data${part}\r\n`).join('')}--b--\r\n`,
      });
    const purposeOf = (name: string) => `${name}\r\n\r\nuser_data`;
    const octets = '\r\ncontent-type: application/octet-stream\r\n\r\nx';
    expect((await send(`; name="file"${octets}`, purposeOf('; name="purpose"'))).json()).toMatchObject({
      filename: 'upload',
      bytes: 1,
    });
    for (const unnamed of [octets, purposeOf('')]) {
      const response = await send(unnamed);
      expect(response.statusCode).toBe(400);
      expect(response.json().error.message).toMatch(/^body: .* has no name/);
    }
  });

  it.each([
    ['is too large', 'file', 413],
    ['has another name', 'cats', 400],
  ])(
    'that is refused because its file %s is read to its end, for clients that look at the answer then',
    async (_, name, status) => {
      const head = `--b\r\ncontent-disposition: form-data; name="${name}"; filename="a"\r\n\r\n`;
      const body = Buffer.concat([Buffer.from(head), Buffer.alloc(2 ** 25), Buffer.from('\r\n--b--\r\n')]);
      const { port, hostname } = new URL(await app.listen());
      const socket = createConnection(Number(port), hostname).setEncoding('utf8');
      onTestFinished(() => {
        socket.destroy();
      });
      socket.write(
        `POST /v1/files HTTP/1.1\r\nhost: a\r\ncontent-type: multipart/form-data; boundary=b\r\ncontent-length: ${body.length}\r\n\r\n`,
      );
      await promisify((done: (error?: Error | null) => void) => socket.write(body, done))();
      const [answer] = await once(socket, 'data');
      expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `));
    },
  );

  it('is refused once the tenant keeps what they may, and only theirs', async () => {
    for (const _ of [1, 2, 3]) expect((await upload([purpose('batch'), file('x')])).statusCode).toBe(200);
    const response = await upload([purpose('batch'), file('x')]);
    expect(response.statusCode).toBe(403);
    expect(response.json().error).toMatchObject({ code: 'quota_exceeded', message: expect.stringMatching(/3 files/) });
    expect((await upload([purpose('batch'), file('x')], 'b')).statusCode).toBe(200);
  });
});

describe('a chat', () => {
  const ask = async (part: object) => {
    const response = await post(app, { model: MODEL, messages: [{ role: 'user', content: [part] }] });
    return { status: response.statusCode, ...response.json() };
  };

  it.each([
    ['image_url', (id: string) => ({ type: 'image_url', image_url: { url: id } })],
    ['file', (id: string) => ({ type: 'file', file: { file_id: id } })],
    ['image_file', (id: string) => ({ type: 'image_file', image_file: { file_id: id, detail: 'auto' } })],
  ])('names an uploaded picture as %s, by its hash, with the bytes at hand', async (_, part) => {
    const form = [file(PIXEL), purpose('vision')];
    const { id, eidetic } = (await upload(form, '')).json();
    expect(await ask(part(id))).toMatchObject({ object: 'chat.completion' });
    const [content] = requests[0]?.messages?.[0]?.content ?? [];
    if (content?.kind !== 'image' || content.source.kind !== 'reference') throw new Error('expected a reference');
    expect(content.source.imageId).toBe(eidetic.image_id);
    expect(Buffer.from((await content.source.load?.()) ?? []).equals(PIXEL)).toBe(true);
  });

  it.each([
    ['is no picture', [purpose('user_data'), file('x')], ''],
    ['is of another tenant', [purpose('vision'), file(PIXEL)], 'b'],
  ] as [string, Field[], string][])('is told which file %s', async (_, form, key) => {
    const { id } = (await upload(form, key)).json();
    expect(await ask({ type: 'file', file: { file_id: id } })).toMatchObject({
      status: 404,
      error: { code: 'not_found', param: 'messages[0].content[0].file.file_id' },
    });
  });
});
