import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What a server is asked, without its pictures. */
export interface Asked {
  readonly path: string;
  /** The raw prompt, or the last message, with `<img>` for each picture. */
  readonly text: string;
  readonly body: Readonly<Record<string, unknown>>;
}

/** A server that answers like OpenAI's with answers that are known. */
export interface FakeServer extends AsyncDisposable {
  readonly baseUrl: string;
  readonly asked: readonly Asked[];
}

/** Begins to listen. `answer` gives a text, or the log probabilities of what may come next. */
export async function startFakeServer(
  answer: (asked: Asked) => string | Readonly<Record<string, number>> | Promise<string>,
): Promise<FakeServer> {
  const asked: Asked[] = [];
  const server = createServer(async (request, response) => {
    if (request.url === '/v1/models') {
      response.end(JSON.stringify({ data: [{ id: 'fake' }] }));
      return;
    }
    const question = await readQuestion(request);
    asked.push(question);
    const answered = await answer(question);
    const [text, top] = typeof answered === 'string' ? [answered, {}] : ['', answered];
    const choice = { text, message: { content: text }, logprobs: { top_logprobs: [top] } };
    response.end(JSON.stringify({ choices: [choice] }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    asked,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

interface Part {
  readonly type: string;
  readonly text?: string;
}

async function readQuestion(request: IncomingMessage): Promise<Asked> {
  const body = JSON.parse((await request.toArray()).join(''));
  const parts: string | readonly Part[] = body.prompt ?? body.messages.at(-1).content;
  const text =
    typeof parts === 'string'
      ? parts.replace(/<img>data:image\/[a-z]+;base64,[^<]+<\/img>/g, '<img>')
      : parts.map((part) => part.text ?? '<img>').join('');
  return { path: request.url ?? '', text, body };
}
