import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it, onTestFinished } from 'vitest';
import { askChat } from './ask-chat.ts';

const CHAT = { name: 'greeting', messages: [{ role: 'user', content: 'Hello!' }], answer: 'Hi there.' };

const gateway = async (answer: (response: ServerResponse) => void, ready = true): Promise<string> => {
  const server = createServer((request, response) => {
    if (request.url === '/readyz') response.writeHead(ready ? 200 : 503).end();
    else answer(response);
  }).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close().closeAllConnections());
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
};

const whole = (content: string) => (response: ServerResponse) =>
  void response.end(JSON.stringify({ choices: [{ message: { content } }] }));
const chunk = (content: string): string => `data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`;
const ask = (gateways: readonly string[], stream = false) =>
  askChat(CHAT, { gateways, model: 'nano', stream }).then(({ outcome, moves }) => [outcome, moves]);

it('tells the right answer from another one, whole and streamed', async () => {
  const streamed =
    (...contents: string[]) =>
    (response: ServerResponse) =>
      void response.end(`${contents.map(chunk).join('')}data: [DONE]\n\n`);
  expect(await ask([await gateway(whole('Hi there.'))])).toEqual(['right', 0]);
  expect(await ask([await gateway(whole('Hi there'))])).toEqual(['wrong', 0]);
  expect(await ask([await gateway(streamed('Hi ', 'there.'))], true)).toEqual(['right', 0]);
  expect(await ask([await gateway(streamed('Hi ', 'here.'))], true)).toEqual(['wrong', 0]);
});

it('goes on to the next gateway when one is not there, not ready, or lost before it answers', async () => {
  const gone = 'http://127.0.0.1:1';
  const starting = await gateway((response) => void response.writeHead(503).end('{}'), false);
  const dying = await gateway((response) => void response.socket?.destroy());
  const good = await gateway(whole('Hi there.'));
  expect(await ask([gone, starting, dying, good])).toEqual(['right', 3]);
});

it('says so when a gateway that is there refuses', async () => {
  const good = await gateway(whole('Hi there.'));
  const busy = await gateway((response) => void response.writeHead(503).end('{}'));
  expect(await ask([busy, good])).toEqual(['refused', 0]);
  const failing = await gateway((response) => void response.end('data: {"error": {"message": "No."}}\n\n'));
  expect(await ask([failing, good], true)).toEqual(['refused', 0]);
});

it('says so when the answer is cut, even where it may seem to have ended', async () => {
  const good = await gateway(whole('Hi there.'));
  const dying = await gateway((response) => void response.write(chunk('Hi'), () => response.socket?.destroy()));
  expect(await ask([dying, good], true)).toEqual(['cut', 0]);
  const leaving = await gateway((response) => void response.end(chunk('Hi there.')));
  expect(await ask([leaving, good], true)).toEqual(['cut', 0]);
});
