import type { Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import type { FetchRefusal } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { flood, PICTURE, redirect, response, setUpFetcher, startServer } from './fetch-parts.ts';

const HEAD = 'HTTP/1.1 200 OK\r\n';
const CHUNKED = `${HEAD}transfer-encoding: chunked\r\n\r\n`;
const MAX_BYTES = 2 ** 20;
const zeros = Buffer.alloc(2 ** 16);
/** 64 KiB that become 64 MiB. */
const bomb = gzipSync(Buffer.alloc(2 ** 26));

const drip = (socket: Socket, pieces: Iterable<string | Uint8Array>): void => {
  const next = pieces[Symbol.iterator]();
  const timer = setInterval(() => {
    const { value, done } = next.next();
    if (done || socket.destroyed) clearInterval(timer);
    else socket.write(value);
  }, 20);
};

/** What a server does to a request that it has read. */
type Attack = readonly [name: string, reason: FetchRefusal, attack: (socket: Socket) => void];

const ATTACKS: readonly Attack[] = [
  ['resets', 'unreachable', (socket) => socket.resetAndDestroy()],
  ['hangs up', 'unreachable', (socket) => socket.end()],
  ['speaks no HTTP', 'unreachable', (socket) => socket.end('220 mail.test ESMTP\r\n')],
  ['answers as Redis', 'unreachable', (socket) => socket.end("-ERR unknown command 'GET'\r\n")],
  ['sends nothing', 'timeout', () => undefined],
  ['stops in the headers', 'timeout', (socket) => socket.write(`${HEAD}content-type: image`)],
  ['stops in the body', 'timeout', (socket) => socket.write(response(PICTURE).subarray(0, 200))],
  ['drips headers', 'timeout', (socket) => drip(socket, `${HEAD}x: ${'a'.repeat(5000)}`)],
  [
    'drips a body',
    'timeout',
    (socket) => {
      socket.write(`${HEAD}content-length: 5000\r\n\r\n`);
      drip(
        socket,
        Array.from(PICTURE, (byte) => Buffer.of(byte)),
      );
    },
  ],
  ['sends a header without end', 'unreachable', (socket) => flood(socket, `${HEAD}${'x'.repeat(2 ** 16)}`)],
  [
    'drips a body that has no length',
    'timeout',
    (socket) => {
      socket.write(Buffer.concat([Buffer.from(`${HEAD}\r\n`), PICTURE]));
      drip(socket, Array(5000).fill('x'));
    },
  ],
  [
    'sends headers without end',
    'unreachable',
    (socket) => {
      socket.write(HEAD);
      flood(socket, 'a: b\r\n'.repeat(1000));
    },
  ],
  ['says 102 without end', 'unreachable', (socket) => flood(socket, 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(100))],
  [
    'changes the protocol',
    'unreachable',
    (socket) => {
      socket.write('HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n');
      flood(socket, zeros);
    },
  ],
  [
    'has two lengths',
    'unreachable',
    (socket) => socket.end(`${HEAD}content-length: 5\r\ncontent-length: 6\r\n\r\n123456`),
  ],
  [
    'has a length and chunks',
    'unreachable',
    (socket) => socket.end(`${HEAD}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`),
  ],
  ['has a length that is no number', 'unreachable', (socket) => socket.end(`${HEAD}content-length: -1\r\n\r\nx`)],
  ['promises more than it sends', 'unreachable', (socket) => socket.end(response(PICTURE).subarray(0, 500))],
  ['promises too much', 'size', (socket) => socket.write(`${HEAD}content-length: ${MAX_BYTES + 1}\r\n\r\n`)],
  [
    'promises more than there are numbers',
    'unreachable',
    (socket) => socket.write(`${HEAD}content-length: 99999999999999999999999\r\n\r\n`),
  ],
  [
    'sends a body without end',
    'size',
    (socket) => {
      socket.write(`${HEAD}\r\n`);
      socket.write(PICTURE);
      flood(socket, zeros);
    },
  ],
  [
    'sends chunks of one byte without end',
    'unreachable',
    (socket) => {
      socket.write(`${CHUNKED}${PICTURE.length.toString(16)}\r\n`);
      socket.write(PICTURE);
      flood(socket, `\r\n${'1\r\nx\r\n'.repeat(5000)}1\r\nx`);
    },
  ],
  [
    'sends a chunk extension without end',
    'unreachable',
    (socket) => {
      socket.write(`${CHUNKED}1;`);
      flood(socket, 'x'.repeat(4096));
    },
  ],
  ['sends a chunk of 2^80 bytes', 'unreachable', (socket) => socket.end(`${CHUNKED}fffffffffffffffffffff\r\nx`)],
  [
    'sends trailers without end',
    'unreachable',
    (socket) => {
      socket.write(`${CHUNKED}${PICTURE.length.toString(16)}\r\n`);
      socket.write(PICTURE);
      socket.write('\r\n0\r\n');
      flood(socket, 'a: b\r\n'.repeat(1000));
    },
  ],
  ['compresses', 'encoding', (socket) => socket.end(response(gzipSync(PICTURE), ['content-encoding: gzip']))],
  ['sends a bomb', 'encoding', (socket) => socket.end(response(bomb, ['content-encoding: gzip']))],
  ['compresses twice', 'encoding', (socket) => socket.end(response(PICTURE, ['content-encoding: gzip, br']))],
  ['sends a bomb and does not say so', 'format', (socket) => socket.end(response(bomb))],
  [
    'sends nothing as a picture',
    'format',
    (socket) => socket.end(response(Buffer.alloc(0), ['content-type: image/png'])),
  ],
  [
    'sends a page as a picture',
    'format',
    (socket) => socket.end(response(Buffer.from('<!doctype html>'), ['content-type: image/png'])),
  ],
  [
    'sends an SVG',
    'format',
    (socket) => socket.end(response(Buffer.from('<svg onload="x()"/>'), ['content-type: image/svg+xml'])),
  ],
  [
    'sends a page without end',
    'format',
    (socket) => {
      socket.write(`${HEAD}content-type: image/png\r\n\r\n`);
      flood(socket, '<p>Hello!</p>'.repeat(1000));
    },
  ],
  [
    'sends a part',
    'status',
    (socket) => socket.end(response(PICTURE, ['content-range: bytes 0-9/10'], '206 Partial Content')),
  ],
  ['sends no content', 'status', (socket) => socket.end('HTTP/1.1 204 No Content\r\n\r\n')],
  ['says that nothing has changed', 'status', (socket) => socket.end('HTTP/1.1 304 Not Modified\r\n\r\n')],
  [
    'wants a password',
    'status',
    (socket) => socket.end(response(PICTURE, ['www-authenticate: Basic'], '401 Unauthorized')),
  ],
  ['redirects nowhere', 'status', (socket) => socket.end(response(PICTURE, [], '302 Found'))],
  [
    'fails without end',
    'status',
    (socket) => {
      socket.write('HTTP/1.1 500 Oh\r\n\r\n');
      flood(socket, zeros);
    },
  ],
];

const CODE: Partial<Record<FetchRefusal, string>> = {
  unreachable: 'image_unreachable',
  status: 'image_unreachable',
  encoding: 'image_unreachable',
  format: 'invalid_image',
  size: 'image_too_large',
  timeout: 'deadline_exceeded',
};

describe('a server that', () => {
  it.each(ATTACKS)('%s is left, and costs neither time nor memory', async (_, reason, attack) => {
    const { port, left } = await startServer(attack);
    const { refusal, outcomes } = setUpFetcher([port], reason === 'timeout' ? { timeoutMs: 300 } : {});
    const before = process.memoryUsage();
    const error = await refusal(`http://127.0.0.1:${port}/cat.png`);
    const after = process.memoryUsage();
    expect([error.code, error.details.reason]).toEqual([CODE[reason], reason]);
    expect(outcomes).toEqual([reason]);
    // Its connection is closed, whether it noticed or not.
    await left();
    const grown = after.arrayBuffers + after.heapUsed - before.arrayBuffers - before.heapUsed;
    expect(grown).toBeLessThan(64 * 2 ** 20);
  });
});

it('takes as much as was promised, and nothing of what follows', async () => {
  const { port, left } = await startServer((socket) => {
    socket.write(response(PICTURE));
    flood(socket, zeros);
  });
  const { fetch } = setUpFetcher([port]);
  using image = await fetch(`http://127.0.0.1:${port}/`);
  expect(Buffer.from(image.bytes)).toEqual(PICTURE);
  await left();
});

it.each([
  ['with a length', (socket: Socket) => socket.end(response(PICTURE))],
  ['until the connection ends', (socket: Socket) => socket.end(Buffer.concat([Buffer.from(`${HEAD}\r\n`), PICTURE]))],
  [
    'byte by byte',
    (socket: Socket) => {
      socket.write(CHUNKED);
      for (const byte of PICTURE)
        socket.write(Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]));
      socket.end('0\r\n\r\n');
    },
  ],
  [
    'as something else',
    (socket: Socket) => socket.end(response(PICTURE, ['content-type: text/html', 'content-encoding: identity'])),
  ],
])('takes a picture that comes %s', async (_, answer) => {
  const { port } = await startServer(answer);
  const { fetch, outcomes } = setUpFetcher([port]);
  using image = await fetch(`http://127.0.0.1:${port}/`);
  expect(Buffer.from(image.bytes)).toEqual(PICTURE);
  expect(outcomes).toEqual([PICTURE.length]);
});

it('takes a picture of exactly the largest size, however it comes', async () => {
  const largest = Buffer.concat([PICTURE, Buffer.alloc(MAX_BYTES - PICTURE.length)]);
  const { port } = await startServer((socket, request) => {
    socket.end(
      request.startsWith('GET /length') ? response(largest) : Buffer.concat([Buffer.from(`${HEAD}\r\n`), largest]),
    );
  });
  const { fetch } = setUpFetcher([port]);
  for (const path of ['length', 'end']) {
    using image = await fetch(`http://127.0.0.1:${port}/${path}`);
    expect(image.bytes.length).toBe(MAX_BYTES);
  }
});

it('says who it is and nothing else: no cookies, no credentials, no referrer, no fragment', async () => {
  const { port, requests } = await startServer((socket, request) => {
    socket.end(request.startsWith('GET /a') ? redirect('/b?c=d#e') : response(PICTURE));
  });
  const { fetch } = setUpFetcher([port]);
  (await fetch(`http://127.0.0.1:${port}/a#secret`))[Symbol.dispose]();
  const lines = ['accept: image/*', 'accept-encoding: identity', 'user-agent: Eidetic', 'Connection: close', '', ''];
  expect(requests).toEqual(
    ['/a', '/b?c=d'].map((path) => [`GET ${path} HTTP/1.1`, `host: 127.0.0.1:${port}`, ...lines].join('\r\n')),
  );
});

it('leaves the server when it is told to, wherever the fetch is', async () => {
  const open = Buffer.concat([Buffer.from(`${HEAD}\r\n`), PICTURE]);
  for (const said of ['', HEAD, response(PICTURE).subarray(0, 300), open]) {
    const controller = new AbortController();
    const { port, left } = await startServer((socket) => {
      socket.write(said);
      setImmediate(() => controller.abort(new Error('gone')));
    });
    const { fetch, outcomes } = setUpFetcher([port]);
    await expect(fetch(`http://127.0.0.1:${port}/`, controller.signal)).rejects.toThrow('gone');
    expect(outcomes).toEqual(['cancelled']);
    await left();
  }
});

describe('the memory for pictures', () => {
  it('is taken until they are let go, and more is refused', async () => {
    const { port } = await startServer((socket) => socket.end(response(PICTURE)));
    const { fetch, refusal } = setUpFetcher([port], { maxBytesTogether: 2 ** 17 });
    const url = `http://127.0.0.1:${port}/`;
    const [first] = [await fetch(url), await fetch(url)];
    expect(await refusal(url)).toMatchObject({ code: 'overloaded', details: { reason: 'overloaded' } });
    first?.[Symbol.dispose]();
    await fetch(url);
    expect(await refusal(url)).toMatchObject({ code: 'overloaded' });
  });

  it('is given back by what was refused', async () => {
    const { port } = await startServer((socket) => {
      socket.write(`${HEAD}\r\n`);
      socket.write(PICTURE);
      flood(socket, zeros);
    });
    const { refusal } = setUpFetcher([port], { maxBytesTogether: MAX_BYTES });
    for (let i = 0; i < 5; i += 1) {
      expect(await refusal(`http://127.0.0.1:${port}/`)).toMatchObject({ code: 'image_too_large' });
    }
  });
});

it('refuses what would wait behind too many', async () => {
  const { port } = await startServer(() => undefined);
  const { fetch, refusal } = setUpFetcher([port], { maxRunning: 1, maxWaiting: 1, timeoutMs: 300 });
  const url = `http://127.0.0.1:${port}/`;
  const running = [fetch(url), fetch(url)];
  expect(await refusal(url)).toMatchObject({ code: 'overloaded' });
  for (const each of running) await expect(each).rejects.toMatchObject({ code: 'deadline_exceeded' });
});
