import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PICTURE, redirect, response, setUpFetcher, startServer } from './fetch-parts.ts';
import { embeddedIpv4, notPublicIpv4, writtenIpv4 } from './written-addresses.ts';

const picture = (socket: Socket): void => {
  socket.end(response(PICTURE));
};

/** Where a redirect may not lead, and why; `PORT` is one that is fetched from. */
const FORBIDDEN_TARGETS = [
  ['http://10.0.0.1:PORT/', 'address'],
  ['//192.168.0.1:PORT/', 'address'],
  ['http://169.254.169.254:PORT/latest/meta-data/', 'address'],
  ['http://[fd00:ec2::254]:PORT/', 'address'],
  ['http://[::1]:PORT/', 'address'],
  ['http://[::ffff:10.0.0.1]:PORT/', 'address'],
  ['http://0x7f.2:PORT/', 'address'],
  ['http://0177.0.0.2:PORT/', 'address'],
  ['http://2130706434:PORT/', 'address'],
  ['http://0:PORT/', 'address'],
  ['http://inside.test:PORT/', 'address'],
  ['http://both.test:PORT/', 'address'],
  ['http://nobody.test:PORT/', 'address'],
  ['http://localhost:PORT/', 'address'],
  ['http://127.0.0.1:22/', 'port'],
  ['http://127.0.0.1/', 'port'],
  ['http://u:p@127.0.0.1:PORT/', 'url'],
  ['file:///etc/passwd', 'url'],
  ['data:image/png;base64,AAAA', 'url'],
  ['gopher://127.0.0.1:PORT/', 'url'],
  ['javascript:alert(1)', 'url'],
  ['http://[', 'url'],
] as const;

const names = {
  'inside.test': Array.from({ length: 200 }, () => ['10.0.0.1']),
  'both.test': Array.from({ length: 200 }, () => ['127.0.0.1', '10.0.0.1']),
};

describe('a redirect', () => {
  it('is followed up to five times, whatever its status, to a URL or a path', async () => {
    const statuses = [301, 302, 303, 307, 308];
    const { port, requests } = await startServer((socket, request) => {
      const hop = Number(/^GET \/(\d+)/.exec(request)?.[1]);
      socket.end(
        hop < 5
          ? redirect(hop % 2 ? `/${hop + 1}` : `http://127.0.0.1:${port}/${hop + 1}`, statuses[hop])
          : response(PICTURE),
      );
    });
    const { fetch } = setUpFetcher([port]);
    using image = await fetch(`http://127.0.0.1:${port}/0`);
    expect(Buffer.from(image.bytes)).toEqual(PICTURE);
    expect(requests).toHaveLength(6);
  });

  it('in a circle, or to ever new places, is left after the fifth', async () => {
    for (const location of ['/', '/x']) {
      const { port, requests, left } = await startServer((socket) => socket.end(redirect(location)));
      const { refusal } = setUpFetcher([port]);
      const error = await refusal(`http://127.0.0.1:${port}/`);
      expect([error.code, error.details.reason]).toEqual(['unsupported_image_source', 'redirect']);
      expect(requests).toHaveLength(6);
      await left();
    }
  });

  it('leads to nothing that would not be fetched itself, on any hop', async () => {
    for (const [target, reason] of FORBIDDEN_TARGETS) {
      for (const last of [0, 2, 4]) {
        const { port, requests } = await startServer((socket, request) => {
          const hop = Number(/^GET \/(\d+)/.exec(request)?.[1]);
          socket.end(redirect(hop === last ? target.replace('PORT', String(port)) : `/${hop + 1}`));
        });
        const { refusal } = setUpFetcher([port], { names });
        const error = await refusal(`http://127.0.0.1:${port}/0`);
        expect([target, error.code, error.details.reason]).toEqual([target, 'unsupported_image_source', reason]);
        expect(requests).toHaveLength(last + 1);
      }
    }
  });

  it('leads to no address that is not public, however it is written', async () => {
    let location = '';
    const { port } = await startServer((socket) => socket.end(redirect(location)));
    const { refusal } = setUpFetcher([port], { own: ['127.0.0.1'] });
    const host = notPublicIpv4
      .filter((address) => address !== 0x7f000001)
      .chain((address) => fc.oneof(writtenIpv4(address), fc.constantFrom(...embeddedIpv4(address))))
      // Headers are ASCII.
      .map((text) => URL.parse(`http://${text}/`)?.hostname ?? '[');
    await fc.assert(
      fc.asyncProperty(host, async (text) => {
        location = `http://${text}:${port}/`;
        expect((await refusal(`http://127.0.0.1:${port}/`)).details.reason).toBe('address');
      }),
      { numRuns: 300 },
    );
  });

  it('is not waited for when its body has no end', async () => {
    const { port, left } = await startServer((socket, request) => {
      if (request.startsWith('GET /b')) return picture(socket);
      socket.write(`HTTP/1.1 302 Found\r\nlocation: /b\r\ncontent-length: 1000000000\r\n\r\n`);
    });
    const { fetch } = setUpFetcher([port]);
    (await fetch(`http://127.0.0.1:${port}/a`))[Symbol.dispose]();
    await left();
  });
});

describe('a name', () => {
  it('is looked up once, and the address that was judged is the one that is asked', async () => {
    const good = await startServer(picture);
    const bad = await startServer(picture, { address: '127.0.0.2', port: good.port });
    const { fetch, lookups } = setUpFetcher([good.port], {
      names: { 'rebinding.test': [['127.0.0.1'], ['127.0.0.2'], ['127.0.0.2']] },
    });
    (await fetch(`http://rebinding.test:${good.port}/`))[Symbol.dispose]();
    expect(lookups).toEqual(['rebinding.test']);
    expect(good.requests[0]).toContain(`host: rebinding.test:${good.port}\r\n`);
    expect(bad.requests).toEqual([]);
  });

  it('that leads inside on the second look-up, for a redirect, is refused then', async () => {
    const good = await startServer((socket) => socket.end(redirect(`http://rebinding.test:${good.port}/2`)));
    const bad = await startServer(picture, { address: '127.0.0.2', port: good.port });
    const { refusal, lookups } = setUpFetcher([good.port], {
      names: { 'rebinding.test': [['127.0.0.1'], ['127.0.0.2']] },
    });
    expect((await refusal(`http://rebinding.test:${good.port}/`)).details.reason).toBe('address');
    expect(lookups).toHaveLength(2);
    expect(bad.requests).toEqual([]);
  });

  it('is asked at its next address when the first takes no connection', async () => {
    const { port } = await startServer(picture, { address: '127.0.0.2' });
    const { fetch } = setUpFetcher([port], {
      own: ['127.0.0.0/8'],
      names: { 'many.test': [['127.0.0.1', '127.0.0.2']] },
    });
    (await fetch(`http://many.test:${port}/`))[Symbol.dispose]();
  });

  it('that is not there is refused in the words of one that leads inside', async () => {
    const { refusal } = setUpFetcher([80], { names });
    const messages = await Promise.all(
      ['nobody', 'inside', 'both'].map(async (name) =>
        (await refusal(`http://${name}.test/`)).message.replace(name, 'X'),
      ),
    );
    const message =
      'The picture could not be fetched: X.test is not at a public address: nothing is fetched from there. Send the picture itself as a data URI.';
    expect(messages).toEqual([message, message, message]);
  });

  it('of a server that is down is unreachable, with nothing said of why', async () => {
    const server = createServer();
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const address = server.address();
    server.close();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const { refusal } = setUpFetcher([port], { names: { 'down.test': [['127.0.0.1']] } });
    const error = await refusal(`http://down.test:${port}/`);
    expect(error.code).toBe('image_unreachable');
    expect(error.message).toBe(
      'The picture could not be fetched: down.test could not be reached, or does not speak http.',
    );
  });

  it('whose server takes the connection and nothing else is left in time, and when the caller leaves', async () => {
    const server = createServer({ pauseOnConnect: true });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
    const { refusal, fetch } = setUpFetcher([port], { timeoutMs: 200 });
    expect((await refusal(`http://127.0.0.1:${port}/`)).code).toBe('deadline_exceeded');
    const controller = new AbortController();
    server.once('connection', () => controller.abort(new Error('gone')));
    await expect(fetch(`http://127.0.0.1:${port}/`, controller.signal)).rejects.toThrow('gone');
  });

  it('that is looked up without end is left in time, and when the caller leaves', async () => {
    const resolve = (_: string, signal: AbortSignal): Promise<never> =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    const { refusal, fetch } = setUpFetcher([80], { timeoutMs: 100, resolve });
    expect((await refusal('http://slow.test/')).code).toBe('deadline_exceeded');
    const left = fetch('http://slow.test/', AbortSignal.abort(new Error('gone')));
    await expect(left).rejects.toThrow('gone');
  });
});
