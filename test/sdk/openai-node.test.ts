import { readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatKeyEntry, generateApiKey, hashApiKey } from '@eidetic/access';
import OpenAI, { APIError, AuthenticationError, BadRequestError, NotFoundError, RateLimitError, toFile } from 'openai';
import { zodResponseFormat } from 'openai/helpers/zod';
import type { ChatCompletionContentPart, ChatCompletionMessageParam } from 'openai/resources/chat/completions';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

const model = 'qwen-vl-nano-chat';
const ANSWER = '<ref>the steam train</ref><box>(209,26),(906,772)</box>';
const GROUNDING = [{ text: 'the steam train', box: { x1: 47, y1: 6, x2: 203, y2: 173 }, imageIndex: 0 }];

const resources = new AsyncDisposableStack();
let server: StandaloneServer;
let openai: OpenAI;

beforeAll(async () => {
  server = resources.use(await StandaloneServer.start());
  openai = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 });
});
afterAll(() => resources.disposeAsync());

const picture = (name: string): ChatCompletionContentPart => {
  const bytes = readFileSync(join(GOLDENS_DIRECTORY, 'images', name));
  return { type: 'image_url', image_url: { url: `data:image/png;base64,${bytes.toString('base64')}` } };
};
const userSays = (...parts: readonly (ChatCompletionContentPart | string)[]): ChatCompletionMessageParam => ({
  role: 'user',
  content: parts.map((part) => (typeof part === 'string' ? { type: 'text', text: part } : part)),
});
const train = { model, messages: [userSays(picture('17-ground-1.png'), 'Draw a box around the steam train.')] };

describe('the openai SDK for Node', () => {
  it('lists the model that is served', async () => {
    const models = await Array.fromAsync(openai.models.list());
    expect(models.map(({ id, object }) => ({ id, object }))).toEqual([{ id: model, object: 'model' }]);
    expect(await openai.models.retrieve(model)).toMatchObject({ id: model, owned_by: 'eidetic' });
  });

  it('gets a whole answer about a picture, with its boxes and counts', async () => {
    const completion = await openai.chat.completions.create(train);
    expect(completion.choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: ANSWER, refusal: null, grounding: GROUNDING },
        logprobs: null,
        finish_reason: 'stop',
      },
    ]);
    expect(completion.usage).toMatchObject({ prompt_tokens: 103, completion_tokens: 23, total_tokens: 126 });
    expect(completion).toMatchObject({
      object: 'chat.completion',
      model,
      eidetic: { images: [{ width: 224, height: 224 }] },
    });
    expect(completion._request_id).toMatch(/^[\w-]{36}$/);
  });

  it('streams the same answer', async () => {
    const stream = openai.chat.completions.stream({ ...train, stream_options: { include_usage: true } });
    let said = '';
    stream.on('content', (delta) => {
      said += delta;
    });
    expect(await stream.finalContent()).toBe(ANSWER);
    expect(said).toBe(ANSWER);
    expect(await stream.totalUsage()).toMatchObject({ prompt_tokens: 103, completion_tokens: 23 });
    const [choice] = (await stream.finalChatCompletion()).choices;
    expect(choice?.finish_reason).toBe('stop');
  });

  it('ends the work on a stream that it leaves', async () => {
    const cancelled = async (): Promise<number> => {
      const metrics = await (await fetch(`${server.url}/metrics`)).text();
      const counts = metrics.matchAll(/^eidetic_engine_requests_finished_total\{outcome="cancelled".*\} (\d+)$/gm);
      return counts.reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const before = await cancelled();
    const said = { model, messages: [userSays('Hello!')] };
    const endless = { ...said, ignore_eos: true, max_tokens: 1900, stream: true } as const;
    for await (const chunk of await openai.chat.completions.create(endless)) if (chunk.choices[0]?.delta.content) break;
    await expect.poll(cancelled).toBe(before + 1);
  });

  it('takes its own answer back as history, and names the picture instead of sending it', async () => {
    const first = await openai.chat.completions.create(train);
    const { images } = (first as typeof first & { readonly eidetic: { readonly images: readonly { id: string }[] } })
      .eidetic;
    const url = `eidetic://sha256/${images[0]?.id}`;
    const message = first.choices[0]?.message;
    if (message === undefined) throw new Error('There is no answer.');
    const second = await openai.chat.completions.create({
      model,
      messages: [
        userSays({ type: 'image_url', image_url: { url } }, 'Draw a box around the steam train.'),
        message,
        userSays('What is this?'),
      ],
    });
    expect(second.usage?.prompt_tokens_details?.cached_tokens).toBeGreaterThanOrEqual(first.usage?.prompt_tokens ?? 0);
  });

  it('gets log probabilities that sum to no more than one', async () => {
    const asked = { ...train, logprobs: true, top_logprobs: 3, temperature: 0 };
    const [choice] = (await openai.chat.completions.create(asked)).choices;
    const tokens = choice?.logprobs?.content ?? [];
    expect(Buffer.from(tokens.flatMap(({ bytes }) => bytes ?? [])).toString()).toBe(ANSWER);
    for (const { token, logprob, top_logprobs } of tokens) {
      expect(top_logprobs).toHaveLength(3);
      expect(top_logprobs[0]).toMatchObject({ token, logprob });
      expect(top_logprobs.reduce((sum, each) => sum + Math.exp(each.logprob), 0)).toBeLessThan(1.0001);
    }
  });

  it('gets several answers', async () => {
    const asked = {
      model,
      messages: [userSays('Tell me a story.')],
      n: 3,
      temperature: 2,
      top_p: 1,
      seed: 1,
      max_tokens: 12,
    };
    const { choices } = await openai.chat.completions.create(asked);
    expect(new Set(choices.map(({ message }) => message.content)).size).toBe(3);
  });

  it('parses structured output by a zod schema', async () => {
    const Thing = z.object({ color: z.enum(['red', 'green', 'blue']), count: z.int().min(0).max(9) });
    const completion = await openai.chat.completions.parse({
      model,
      messages: [userSays(picture('06-color-1.png'), 'What is this?')],
      response_format: zodResponseFormat(Thing, 'thing'),
    });
    expect(Thing.safeParse(completion.choices[0]?.message.parsed).success).toBe(true);
  });

  it('keeps files, and names a picture by its id', async () => {
    const bytes = readFileSync(join(GOLDENS_DIRECTORY, 'images/17-ground-1.png'));
    const file = await openai.files.create({ file: await toFile(bytes, 'train.png'), purpose: 'vision' });
    expect(file).toMatchObject({ object: 'file', bytes: bytes.length, filename: 'train.png', purpose: 'vision' });
    const text = 'Draw a box around the steam train.';
    const named = userSays({ type: 'image_url', image_url: { url: file.id } }, text);
    const { choices } = await openai.chat.completions.create({ model, messages: [named] });
    expect(choices[0]?.message.content).toBe(ANSWER);
    const listed = await Array.fromAsync(openai.files.list({ limit: 1 }));
    expect(listed.map(({ id }) => id)).toContain(file.id);
    expect(Buffer.from(await (await openai.files.content(file.id)).arrayBuffer())).toEqual(bytes);
    expect(await openai.files.delete(file.id)).toMatchObject({ id: file.id, deleted: true });
    await expect(openai.files.retrieve(file.id)).rejects.toBeInstanceOf(NotFoundError);
  });

  it('has a batch answered, and finds what became of each request', async () => {
    const line = (custom_id: string, body: object) =>
      JSON.stringify({ custom_id, method: 'POST', url: '/v1/chat/completions', body: { ...train, ...body } });
    const input = [line('good', {}), line('bad', { temperature: 3 })].join('\n');
    const file = await openai.files.create({ file: await toFile(Buffer.from(input), 'in.jsonl'), purpose: 'batch' });
    const asked = { input_file_id: file.id, endpoint: '/v1/chat/completions', completion_window: '24h' } as const;
    const { id } = await openai.batches.create({ ...asked, metadata: { for: 'test' } });
    await expect.poll(async () => (await openai.batches.retrieve(id)).status, { timeout: 20_000 }).toBe('completed');
    const batch = await openai.batches.retrieve(id);
    expect(batch).toMatchObject({ request_counts: { total: 2, completed: 1, failed: 1 }, metadata: { for: 'test' } });
    const only = async (fileId: string | null | undefined) =>
      JSON.parse(await (await openai.files.content(fileId ?? '')).text());
    const good = await only(batch.output_file_id);
    expect(good).toMatchObject({ custom_id: 'good', response: { status_code: 200 } });
    expect(good.response.body.choices[0].message.content).toBe(ANSWER);
    expect(await only(batch.error_file_id)).toMatchObject({ custom_id: 'bad', response: { status_code: 400 } });
    expect((await Array.fromAsync(openai.batches.list())).map((each) => each.id)).toEqual([id]);
  });

  it('throws the class of error that the status is, with code and parameter', async () => {
    const wrongs = [
      { body: { ...train, temperature: 3 }, kind: BadRequestError, code: 'invalid_request', param: 'temperature' },
      { body: { ...train, tools: [{}] }, kind: BadRequestError, code: 'invalid_request', param: 'tools' },
      { body: { ...train, model: 'gpt' }, kind: NotFoundError, code: 'model_not_found', param: 'model' },
      { body: { ...train, max_tokens: 99_999 }, kind: BadRequestError, code: 'context_length_exceeded' },
    ];
    for (const { body, kind, ...fields } of wrongs) {
      const error = await openai.chat.completions.create(body as typeof train).catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(kind);
      expect(error).toMatchObject({ ...fields, type: 'invalid_request_error', requestID: expect.any(String) });
    }
  });

  it('throws what fails before the first token of a stream', async () => {
    const broken = { type: 'image_url', image_url: { url: 'data:image/png;base64,AAAA' } } as const;
    const asked = openai.chat.completions.create({
      model,
      messages: [userSays(broken, 'What is this?')],
      stream: true,
    });
    const error: unknown = await asked.catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(APIError);
    expect(error).toMatchObject({ status: 400, code: 'invalid_image' });
  });
});

describe('an overloaded server', () => {
  it('is asked again by the SDK, as late as it says', async () => {
    await using busy = await StandaloneServer.start({ EIDETIC_SLOTS: '1', EIDETIC_MAX_WAITING: '0' });
    const connection = { baseURL: `${busy.url}/v1`, apiKey: 'none' };
    const short = { model, messages: [userSays('Hello!')], max_tokens: 2 };
    const leaving = new AbortController();
    const endless = { ...short, ignore_eos: true, max_tokens: 1900, stream: true } as const;
    const stream = await new OpenAI(connection).chat.completions.create(endless, { signal: leaving.signal });
    await stream[Symbol.asyncIterator]().next();

    const refused = await new OpenAI({ ...connection, maxRetries: 0 }).chat.completions
      .create(short)
      .catch((reason: unknown) => reason);
    expect(refused).toBeInstanceOf(RateLimitError);
    expect(refused).toMatchObject({ status: 429, code: 'overloaded', type: 'rate_limit_error' });
    expect(Number((refused as RateLimitError).headers?.get('retry-after'))).toBeGreaterThanOrEqual(1);

    const statuses: number[] = [];
    const patient = new OpenAI({
      ...connection,
      maxRetries: 10,
      fetch: async (input, init) => {
        const response = await fetch(input, init);
        statuses.push(response.status);
        leaving.abort();
        return response;
      },
    });
    expect((await patient.chat.completions.create(short)).usage?.completion_tokens).toBe(2);
    expect(statuses[0]).toBe(429);
    expect(statuses.at(-1)).toBe(200);
  });
});

describe('a server with API keys', () => {
  it('lets in who has one, as often as it may, and says what is left', async () => {
    const key = generateApiKey();
    const folder = await mkdtemp(join(tmpdir(), 'eidetic-keys-'));
    await using cleanup = new AsyncDisposableStack();
    cleanup.defer(() => rm(folder, { recursive: true }));
    const file = join(folder, 'keys.jsonl');
    await writeFile(file, formatKeyEntry({ id: 'k', tenant: 't', sha256: hashApiKey(key), requestsPerMinute: 1 }));
    const locked = cleanup.use(await StandaloneServer.start({ EIDETIC_API_KEYS_FILE: file }));
    const connection = { baseURL: `${locked.url}/v1`, maxRetries: 0 };
    const short = { model, messages: [userSays('Hello!')], max_tokens: 2 };

    const stranger = await new OpenAI({ ...connection, apiKey: 'sk-wrong' }).models
      .retrieve(model)
      .catch((reason: unknown) => reason);
    expect(stranger).toBeInstanceOf(AuthenticationError);
    expect(stranger).toMatchObject({ status: 401, code: 'invalid_api_key', type: 'authentication_error' });

    const known = new OpenAI({ ...connection, apiKey: key });
    const { response } = await known.chat.completions.create(short).withResponse();
    expect(response.headers.get('x-ratelimit-remaining-requests')).toBe('0');
    const refused: unknown = await known.chat.completions.create(short).catch((reason: unknown) => reason);
    expect(refused).toBeInstanceOf(RateLimitError);
    expect(refused).toMatchObject({ status: 429, code: 'rate_limited' });
    expect(Number((refused as RateLimitError).headers?.get('retry-after'))).toBeGreaterThan(1);
    expect((await known.models.retrieve(model)).id).toBe(model);
  });
});
