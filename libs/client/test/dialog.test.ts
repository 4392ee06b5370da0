import { describe, expect, it } from 'vitest';
import {
  type ChatAnswer,
  type ChatEvent,
  type ChatRequest,
  createClient,
  type Dialog,
  type DialogOptions,
  EideticApiError,
  type Message,
} from '../src/index.ts';

const usage = {
  prompt_tokens: 1,
  completion_tokens: 1,
  total_tokens: 2,
  prompt_tokens_details: { cached_tokens: 0, image_tokens: 0 },
};
const timings = { imagesMs: 0, decoderMs: 0, firstTokenMs: 0, totalMs: 0 };
const idOf = (index: number): string => String(index).repeat(64);
const bytes = (value: number): Uint8Array => new Uint8Array([value]);
const uri = (value: number): string => `data:image/png;base64,${Buffer.from([value]).toString('base64')}`;
const named = (index: number): string => `eidetic://sha256/${idOf(index)}`;

/** Addresses of all pictures of a request, in order. */
const addresses = (messages: readonly Message[]): string[] =>
  messages.flatMap(({ content }) =>
    typeof content === 'string' ? [] : content.flatMap((part) => (part.type === 'image_url' ? part.image_url.url : [])),
  );

type Reply = string | Error;

/** A dialog with a server that says what it is told: a text is said word by word; an error after the words of its message. */
function dialogWith(replies: readonly Reply[], options: DialogOptions = {}) {
  const requests: (ChatRequest & { readonly stream?: boolean })[] = [];
  const left = [...replies];
  const respond: typeof fetch = async (_, init) => {
    const request = JSON.parse(String(init?.body));
    requests.push(request);
    const reply = left.shift() ?? '';
    if (reply instanceof Error) {
      const error = { message: reply.message, code: reply.message, param: null };
      return new Response(JSON.stringify({ error }), { status: 400 });
    }
    const images = addresses(request.messages).map((_url, index) => ({
      id: idOf(index),
      width: 8,
      height: 8,
      cached: false,
    }));
    const head = { id: 'x', model: 'nano' };
    if (request.stream !== true) {
      const choices = [{ index: 0, message: { content: reply }, finish_reason: 'stop' }];
      return new Response(JSON.stringify({ ...head, choices, usage, eidetic: { images, timings } }));
    }
    const chunks: object[] = [
      { ...head, choices: [{ index: 0, delta: { content: '' } }], eidetic: { images } },
      ...(reply.match(/\S+\s*/g) ?? []).map((content) => ({ ...head, choices: [{ index: 0, delta: { content } }] })),
    ];
    const end = reply.endsWith('FAIL') ? '{"error":{"message":"x","code":"unavailable"}}' : '[DONE]';
    return new Response(
      [...chunks.map((chunk) => JSON.stringify(chunk)), end].map((data) => `data: ${data}\n\n`).join(''),
    );
  };
  const client = createClient({ baseUrl: 'http://nowhere', fetch: respond });
  return { dialog: client.dialog({ model: 'nano', ...options }), requests };
}

type Ask = (dialog: Dialog, ...args: Parameters<Dialog['ask']>) => Promise<ChatAnswer>;

const whole: Ask = (dialog, ...args) => dialog.ask(...args);
const streamed: Ask = async (dialog, ...args) => {
  const events: ChatEvent[] = await Array.fromAsync(dialog.stream(...args));
  const last = events.at(-1);
  if (last?.kind !== 'finished') throw new Error('The stream did not finish.');
  return last.answer;
};

describe.each([
  ['ask', whole],
  ['stream', streamed],
] as const)('a dialog by %s', (_, ask) => {
  it('sends the bytes of a picture once, and names it from then on', async () => {
    const { dialog, requests } = dialogWith(['one', 'two', 'three'], { system: 'Be kind.', temperature: 0 });
    await ask(dialog, 'First?', { images: [bytes(1)] });
    expect((await ask(dialog, 'Second?', { images: [bytes(2)] })).text).toBe('two');
    await ask(dialog, 'Third?');
    expect(requests.map(({ messages }) => addresses(messages))).toEqual([
      [uri(1)],
      [named(0), uri(2)],
      [named(0), named(1)],
    ]);
    expect(requests[2]).toMatchObject({ model: 'nano', temperature: 0 });
    expect(requests[2]?.messages.map(({ role }) => role).join()).toBe('system,user,assistant,user,assistant,user');
    expect(requests[2]?.messages.at(-1)).toEqual({ role: 'user', content: 'Third?' });
    expect(dialog.images.map(({ id }) => id)).toEqual([idOf(0), idOf(1)]);
    expect(dialog.messages.at(-1)).toEqual({ role: 'assistant', content: 'three' });
    expect(addresses(dialog.messages)).toEqual([named(0), named(1)]);
  });

  it.each(['unsupported_image_source', 'image_missing'])('sends them again, once, after %s', async (code) => {
    const { dialog, requests } = dialogWith(['one', new Error(code), 'two', new Error(code), new Error(code)]);
    await ask(dialog, 'First?', { images: [bytes(1)] });
    expect((await ask(dialog, 'Second?')).text).toBe('two');
    await expect(ask(dialog, 'Third?')).rejects.toMatchObject({ code });
    expect(requests.map(({ messages }) => addresses(messages))).toEqual([
      [uri(1)],
      [named(0)],
      [uri(1)],
      [named(0)],
      [uri(1)],
    ]);
  });

  it('does not send them again when no picture was named', async () => {
    const { dialog, requests } = dialogWith([new Error('unsupported_image_source')]);
    const asked = ask(dialog, 'First?', { images: ['https://example.com/a.png'] });
    await expect(asked).rejects.toBeInstanceOf(EideticApiError);
    expect(requests).toHaveLength(1);
  });

  it('forgets a turn that failed, with its pictures', async () => {
    const { dialog, requests } = dialogWith([new Error('invalid_image'), 'two']);
    await expect(ask(dialog, 'First?', { images: [bytes(1)] })).rejects.toMatchObject({ code: 'invalid_image' });
    expect(dialog.messages).toEqual([]);
    await ask(dialog, 'Second?');
    expect(requests[1]?.messages).toEqual([{ role: 'user', content: 'Second?' }]);
  });

  it('gives one answer at a time', async () => {
    const { dialog } = dialogWith(['one']);
    const first = ask(dialog, 'First?');
    await expect(ask(dialog, 'Second?')).rejects.toThrow(/still being answered/);
    await first;
  });

  it('refuses what is no picture, and can be asked again', async () => {
    const { dialog } = dialogWith(['one']);
    await expect(ask(dialog, 'First?', { images: ['photo.png'] })).rejects.toThrow(/no picture/);
    expect((await ask(dialog, 'First?')).text).toBe('one');
  });
});

describe('a streamed turn', () => {
  const readUntil = async (dialog: Dialog, word: string): Promise<void> => {
    for await (const event of dialog.stream('First?', { images: [bytes(1)] })) {
      if (event.kind === 'text' && event.text.startsWith(word)) break;
    }
  };

  it('is remembered as far as it had come when the reader left', async () => {
    const { dialog, requests } = dialogWith(['one two three', 'four']);
    await readUntil(dialog, 'two');
    await dialog.ask('Second?');
    expect(requests[1]?.messages).toEqual([
      {
        role: 'user',
        content: [
          { type: 'image_url', image_url: { url: named(0) } },
          { type: 'text', text: 'First?' },
        ],
      },
      { role: 'assistant', content: 'one two ' },
      { role: 'user', content: 'Second?' },
    ]);
  });

  it('is not remembered when the reader left before its first word, or when it failed', async () => {
    const { dialog } = dialogWith(['', 'one two FAIL']);
    for await (const event of dialog.stream('First?')) if (event.kind === 'started') break;
    await expect(streamed(dialog, 'Second?')).rejects.toMatchObject({ code: 'unavailable' });
    expect(dialog.messages).toEqual([]);
  });
});
