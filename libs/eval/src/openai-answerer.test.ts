import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { firstModel, openAiAnswerer } from './openai-answerer.ts';
import type { EvalQuestion } from './question.ts';

const servers: ReturnType<typeof createServer>[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

type Reply = { status?: number; body: unknown };

async function serve(reply: (request: IncomingMessage, body: string) => Reply) {
  const server = createServer(async (request, response) => {
    const body = (await request.toArray()).join('');
    const { status = 200, body: answer } = reply(request, body);
    response.writeHead(status).end(typeof answer === 'string' ? answer : JSON.stringify(answer));
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  return { baseUrl, timeoutMs: 5000 };
}

const completion = (content: string) => ({ body: { choices: [{ message: { content } }] } });
const image = fileURLToPath(new URL('../../../test/data/goldens/images/00-name-1.png', import.meta.url));

function asking(content: EvalQuestion['messages'][number]['content']): EvalQuestion {
  return { id: '1', messages: [{ role: 'user', content }] };
}

const signal = new AbortController().signal;
const chat = { model: 'nano', style: 'chat', maxTokens: 32 } as const;

describe('openAiAnswerer', () => {
  it('asks greedily, with pictures as data URIs, the first model that the server lists', async () => {
    const bodies: { [key: string]: unknown }[] = [];
    const server = await serve(({ url, headers }, body) => {
      expect(headers.authorization).toBe('Bearer secret');
      if (url === '/v1/models') return { body: { data: [{ id: 'nano' }, { id: 'other' }] } };
      expect(url).toBe('/v1/chat/completions');
      bodies.push(JSON.parse(body));
      return completion('A ring.');
    });
    const withKey = { ...server, apiKey: 'secret' };
    const answer = openAiAnswerer(withKey, { ...chat, model: await firstModel(withKey) });
    const question = asking([
      { type: 'image', image },
      { type: 'text', text: 'What is it?' },
    ]);
    expect(await answer(question, signal)).toBe('A ring.');
    const url = expect.stringMatching(/^data:image\/png;base64,iVBOR/);
    const content = [
      { type: 'image_url', image_url: { url } },
      { type: 'text', text: 'What is it?' },
    ];
    expect(bodies).toEqual([{ model: 'nano', temperature: 0, max_tokens: 32, messages: [{ role: 'user', content }] }]);
  });

  it.each([
    [{ status: 429, body: 'slow down' }, /answered 429: slow down/],
    [{ body: 'hello' }, /something else than JSON: hello/],
    [{ body: { choices: [] } }, /does not answer like an OpenAI server/],
  ])('reports what a server says instead of an answer: %j', async (reply, message) => {
    const answer = openAiAnswerer(await serve(() => reply), chat);
    await expect(answer(asking('Hello'), signal)).rejects.toThrow(message);
  });

  it('says so when the server is not there', async () => {
    const server = await serve(() => ({ body: '' }));
    await new Promise((resolve) => servers.pop()?.close(resolve));
    await expect(firstModel(server)).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('names a picture that cannot be read or sent', async () => {
    const answer = openAiAnswerer(await serve(() => completion('')), chat);
    await expect(answer(asking([{ type: 'image', image: '/none.png' }]), signal)).rejects.toThrow('/none.png');
    const text = fileURLToPath(import.meta.url);
    await expect(answer(asking([{ type: 'image', image: text }]), signal)).rejects.toThrow(/is no JPEG, PNG/);
  });
});
