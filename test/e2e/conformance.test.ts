import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { complete, type Failure, imagePart, post } from '../support/chat-client.ts';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

/** What each parameter does to the answers of the real model. What is passed on, and every refusal, is tested in libs/openai. */
const MODEL = 'qwen-vl-nano-chat';

let server: StandaloneServer;

beforeAll(async () => {
  server = await StandaloneServer.start({ EIDETIC_MAX_CONTEXT: '2048' });
});

afterAll(() => server[Symbol.asyncDispose]());

const png = (name: string): Uint8Array => readFileSync(join(GOLDENS_DIRECTORY, 'images', name));
const text = (content: string) => ({ type: 'text', text: content });
const dataUri = (name: string): string => `data:image/png;base64,${Buffer.from(png(name)).toString('base64')}`;

const PICTURE = imagePart(png('06-color-1.png'));
const ask = (rest: object, content: unknown = [PICTURE, text('What is this?')]) =>
  complete(server.url, { messages: [{ role: 'user', content }], ...rest });
const contentOf = async (rest: object, content?: unknown): Promise<string> =>
  (await ask(rest, content)).choices[0]?.message.content ?? '';
/** A long answer that would be another one each time. */
const STORY = { temperature: 2, top_p: 1, max_tokens: 24, seed: 7 };
const story = (rest: object) => contentOf({ ...STORY, ...rest }, 'Tell me a story.');

describe('parameters of chat completions', () => {
  it('temperature 0, top_k 1, top_p 0 and min_p 1 all take the likeliest token', async () => {
    const greedy = await contentOf({ temperature: 0 });
    for (const rest of [{ top_k: 1 }, { top_p: 0 }, { min_p: 1 }]) {
      expect(await contentOf({ temperature: 2, seed: 1, ...rest })).toBe(greedy);
    }
  });

  it('seed repeats an answer under one system_fingerprint', async () => {
    const [one, again, other] = [
      await ask(STORY, 'Tell me a story.'),
      await ask(STORY, 'Tell me a story.'),
      await ask({ ...STORY, seed: 8 }, 'Tell me a story.'),
    ];
    expect(again.choices).toEqual(one.choices);
    expect(other.choices).not.toEqual(one.choices);
    expect(one).toMatchObject({ system_fingerprint: expect.stringMatching(/^fp_[0-9a-f]{12}$/) });
    expect(again).toMatchObject({ system_fingerprint: (one as { system_fingerprint?: string }).system_fingerprint });
  });

  it.each(['max_tokens', 'max_completion_tokens'])('%s cuts the answer off', async (name) => {
    const cut = await ask({ ...STORY, max_tokens: undefined, [name]: 3 }, 'Tell me a story.');
    expect(cut).toMatchObject({ choices: [{ finish_reason: 'length' }], usage: { completion_tokens: 3 } });
    expect((await story({})).startsWith(cut.choices[0]?.message.content ?? '?')).toBe(true);
  });

  it('stop ends the answer before the first of its strings', async () => {
    const whole = await story({});
    const [early, late] = [whole.slice(5, 8), whole.slice(12, 15)];
    const shown = whole.slice(0, Math.min(whole.indexOf(early), whole.indexOf(late)));
    const stopped = await ask({ ...STORY, stop: [late, early] }, 'Tell me a story.');
    expect(stopped.choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: shown } });
    expect(await story({ stop: early })).toBe(whole.slice(0, whole.indexOf(early)));
  });

  it('n gives as many answers, each that of its own seed', async () => {
    const { choices } = await ask({ ...STORY, n: 3 }, 'Tell me a story.');
    const alone = await Promise.all([7, 8, 9].map((seed) => story({ seed })));
    expect(choices.map(({ message }) => message.content)).toEqual(alone);
  });

  it('logit_bias of -100 keeps a token out, of 100 brings it in', async () => {
    // Ids below 256 are single bytes in the embedded tokenizer.
    expect(await contentOf({ max_tokens: 4, logit_bias: { 66: 100 } })).toBe('BBBB');
    const singleBytes = Object.fromEntries(Array.from({ length: 256 }, (_, id) => [id, -100]));
    const lengths = async (rest: object): Promise<number[]> => {
      const { choices } = await ask({ logprobs: true, temperature: 0, ...rest });
      return choices[0]?.logprobs?.content.map((token) => token.bytes?.length ?? 0) ?? [];
    };
    expect(await lengths({})).toContain(1);
    expect(await lengths({ logit_bias: singleBytes })).not.toContain(1);
  });

  it.each([
    ['presence_penalty', 2],
    ['frequency_penalty', 2],
    ['repetition_penalty', 5],
  ])('%s keeps an answer from repeating itself', async (name, value) => {
    // A bias makes the model repeat one token for as long as nothing speaks against it.
    const repeating = { ignore_eos: true, max_tokens: 40, logit_bias: { 33: 12 } };
    const distinct = async (rest: object): Promise<number> => {
      const { choices } = await ask({ ...repeating, ...rest, logprobs: true });
      return new Set(choices[0]?.logprobs?.content.map(({ token }) => token)).size;
    };
    expect(await distinct({ [name]: value })).toBeGreaterThan(await distinct({}));
  });

  it('logprobs are those of the tokens that were taken, most likely first', async () => {
    const { choices, usage } = await ask({ logprobs: true, top_logprobs: 20, temperature: 0 });
    const tokens = choices[0]?.logprobs?.content ?? [];
    expect(tokens).toHaveLength(usage.completion_tokens);
    for (const { token, logprob, top_logprobs } of tokens) {
      expect(top_logprobs).toHaveLength(20);
      expect(top_logprobs[0]).toMatchObject({ token, logprob });
      const sum = top_logprobs.reduce((total, each) => total + Math.exp(each.logprob), 0);
      expect(sum).toBeGreaterThan(0.5);
      expect(sum).toBeLessThan(1.0001);
    }
  });

  it('response_format and structured_outputs give what they describe', async () => {
    const hot = { temperature: 2, seed: 3, max_tokens: 120 };
    // 125 is }: an object without a schema has no end that the model must come to.
    const object = await contentOf({ response_format: { type: 'json_object' }, logit_bias: { 125: 100 } });
    expect(JSON.parse(object)).toBeTypeOf('object');
    const schema = { type: 'object', properties: { seen: { type: 'boolean' } }, required: ['seen'] };
    const format = { type: 'json_schema', json_schema: { name: 'n', schema } };
    expect(typeof JSON.parse(await contentOf({ ...hot, response_format: format })).seen).toBe('boolean');
    expect(await contentOf({ ...hot, structured_outputs: { regex: '[0-9]{4}' } })).toMatch(/^[0-9]{4}$/);
    const choice = ['a|b', '1 + 1 = 2?', '"\\.*"'];
    expect(choice).toContain(await contentOf({ ...hot, structured_outputs: { choice } }));
    expect(typeof JSON.parse(await contentOf({ ...hot, structured_outputs: { json: schema } })).seen).toBe('boolean');
    expect(await contentOf({ response_format: { type: 'text' } })).toBe(await contentOf({}));
  });

  it('what changes nothing changes nothing', async () => {
    const plain = await ask({ temperature: 0 });
    const { choices } = await ask({
      temperature: 0,
      user: 'u',
      metadata: { a: 'b' },
      store: false,
      service_tier: 'auto',
      safety_identifier: 's',
      prompt_cache_key: 'k',
      modalities: ['text'],
      reasoning_effort: 'none',
      priority: 3,
    });
    expect(choices).toEqual(plain.choices);
  });

  it('detail is taken, and every picture takes the same number of tokens', async () => {
    const answers = ['auto', 'low', 'high'].map((detail) =>
      ask({}, [{ type: 'image_url', image_url: { url: dataUri('06-color-1.png'), detail } }, text('What is this?')]),
    );
    const plain = await ask({});
    for (const { choices, usage } of await Promise.all(answers)) {
      expect(choices).toEqual(plain.choices);
      expect(usage.prompt_tokens_details.image_tokens).toBe(64);
    }
  });

  it('pictures stand in messages of every role, and regions count over all of them', async () => {
    const box = String.raw`<box>\(0,0\),\(500,500\)</box>`;
    const { choices, eidetic, usage } = await complete(server.url, {
      messages: [
        { role: 'system', content: [text('You are a helpful assistant.'), PICTURE] },
        { role: 'user', content: [imagePart(png('00-name-1.png')), text('Show me.')] },
        { role: 'assistant', content: [PICTURE, text('Here.')] },
        { role: 'user', content: [imagePart(png('17-ground-1.png')), text('Frame it.')] },
      ],
      structured_outputs: { regex: `<ref>a ring</ref>${box}, Picture 2: ${box}` },
    });
    expect(eidetic.images).toHaveLength(4);
    expect(eidetic.images[2]?.id).toBe(eidetic.images[0]?.id);
    expect(usage.prompt_tokens_details.image_tokens).toBe(4 * 64);
    expect(choices[0]?.message.grounding).toMatchObject([
      { text: 'a ring', imageIndex: 3 },
      { text: '', imageIndex: 1 },
    ]);
  });
});

describe('what only the model can refuse', () => {
  const refusal = async (body: object): Promise<Failure['error']> => {
    const response = await post(server.url, { model: MODEL, messages: [{ role: 'user', content: 'Hi' }], ...body });
    expect(response.status).toBe(400);
    return ((await response.json()) as Failure).error;
  };
  const broken = { type: 'image_url', image_url: { url: `data:image/png;base64,${btoa('no picture')}` } };
  const unheld = { name: 'n', schema: { type: 'array', items: { type: 'string' }, uniqueItems: true } };

  it.each<[string, object, string]>([
    ['logit_bias', { logit_bias: { 99999: 1 } }, 'invalid_request'],
    ['ignore_eos', { ignore_eos: true, response_format: { type: 'json_object' } }, 'invalid_request'],
    ['max_tokens', { max_tokens: 5000 }, 'context_length_exceeded'],
    ['max_completion_tokens', { max_completion_tokens: 5000 }, 'context_length_exceeded'],
    ['messages', { messages: [{ role: 'user', content: 'one '.repeat(9000) }] }, 'context_length_exceeded'],
    [
      'messages[0].content[2].image_url.url',
      { messages: [{ role: 'user', content: [PICTURE, text('?'), broken] }] },
      'invalid_image',
    ],
    [
      'response_format.json_schema.schema',
      { response_format: { type: 'json_schema', json_schema: unheld } },
      'invalid_request',
    ],
    ['structured_outputs.regex', { structured_outputs: { regex: '(?=a)' } }, 'invalid_request'],
  ])('is refused by its name: %s', async (param, body, code) => {
    expect(await refusal(body)).toEqual({
      message: expect.any(String),
      type: 'invalid_request_error',
      param,
      code,
    });
  });
});

interface TextCompletion {
  readonly choices: readonly {
    readonly text: string;
    readonly finish_reason: string;
    readonly logprobs: { readonly tokens: string[]; readonly text_offset: number[] } | null;
    readonly grounding?: readonly { readonly text: string; readonly imageIndex: number }[];
  }[];
  readonly usage: {
    readonly prompt_tokens: number;
    readonly completion_tokens: number;
    readonly prompt_tokens_details: { readonly image_tokens: number };
  };
}

describe('completions of raw prompts', () => {
  const send = (body: object): Promise<Response> =>
    fetch(`${server.url}/v1/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: MODEL, ...body }),
    });
  const completion = async (body: object): Promise<TextCompletion> => {
    const response = await send(body);
    expect(response.status).toBe(200);
    return (await response.json()) as TextCompletion;
  };
  const train = `<img>${dataUri('17-ground-1.png')}</img>`;

  it('have nothing around the prompt, and 16 tokens unless told otherwise', async () => {
    const { usage } = await completion({ prompt: '!', ignore_eos: true });
    expect(usage).toMatchObject({ prompt_tokens: 1, completion_tokens: 16 });
  });

  it('look at the pictures in their tags, and go on with a region that the prompt opens', async () => {
    const prompt = `${train}<ref>the steam train</ref><box>`;
    const { choices, usage } = await completion({ prompt, max_tokens: 40 });
    expect(usage.prompt_tokens_details.image_tokens).toBe(64);
    expect(choices[0]?.text).toMatch(/^\(\d+,\d+\),\(\d+,\d+\)<\/box>/);
    expect(choices[0]?.grounding?.[0]).toMatchObject({ text: 'the steam train', imageIndex: 0 });
  });

  it('of several prompts are those of each alone', async () => {
    const prompts = ['The picture shows', `${train}It is`];
    const rest = { temperature: 2, seed: 5, n: 2, ignore_eos: true };
    const together = await completion({ prompt: prompts, ...rest });
    const alone = await Promise.all(prompts.map((prompt) => completion({ prompt, ...rest })));
    const textsOf = ({ choices }: TextCompletion) => choices.map((choice) => choice.text);
    expect(textsOf(together)).toEqual(alone.flatMap(textsOf));
  });

  it('list their log probabilities with the place of each token, whole and streamed', async () => {
    const rest = { prompt: `${train}It is`, logprobs: 2, ignore_eos: true };
    const { choices, usage } = await completion(rest);
    const { text: whole = '', logprobs } = choices[0] ?? {};
    expect(logprobs?.tokens).toHaveLength(usage.completion_tokens);
    const spoken = logprobs?.tokens.map((token, i) => [token, logprobs.text_offset[i] ?? -1] as const) ?? [];
    for (const [token, offset] of spoken) {
      if (!/^(bytes:|<\|)/.test(token)) expect([...whole].slice(offset).join('').startsWith(token)).toBe(true);
    }
    const lines = (await (await send({ ...rest, stream: true })).text()).split('\n').filter((line) => line !== '');
    expect(lines.pop()).toBe('data: [DONE]');
    const chunks = lines.map((line) => JSON.parse(line.slice(6)) as TextCompletion);
    expect(chunks.map((chunk) => chunk.choices[0]?.text).join('')).toBe(whole);
    expect(chunks.flatMap((chunk) => chunk.choices[0]?.logprobs?.text_offset ?? [])).toEqual(logprobs?.text_offset);
  });

  it('refuse what only the model can refuse by the name of the prompt', async () => {
    const broken = `<img>data:image/png;base64,${btoa('no picture')}</img>`;
    const response = await send({ prompt: ['a', broken] });
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({ error: { code: 'invalid_image', param: 'prompt[1]' } });
  });
});
