import type { ChatEvent } from '@eidetic/chat';
import { EideticError } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { chatThat, MODEL, play, post, serve } from '../test/serve.ts';

const PIXEL = '<img>data:image/png;base64,iVBORw0KGgo=</img>';
const SEEN = { kind: 'image', source: { kind: 'bytes', bytes: Buffer.from('iVBORw0KGgo=', 'base64') } };
const text = (value: string) => ({ kind: 'text', text: value });

/** Every parameter of OpenAI's reference, https://platform.openai.com/docs/api-reference/completions/create. */
const DOCUMENTED = [
  'model',
  'prompt',
  'best_of',
  'echo',
  'frequency_penalty',
  'logit_bias',
  'logprobs',
  'max_tokens',
  'n',
  'presence_penalty',
  'seed',
  'stop',
  'stream',
  'stream_options',
  'suffix',
  'temperature',
  'top_p',
  'user',
];
/** Those of vLLM and of chat completions that are served. */
const EXTENSIONS = [
  'top_k',
  'min_p',
  'repetition_penalty',
  'ignore_eos',
  'min_tokens',
  'structured_outputs',
  'response_format',
  'priority',
];

const AS_IF_NOT_GIVEN = { maxTokens: 16 };
const END: readonly ChatEvent[] = [
  { kind: 'started', images: [], promptTokens: 1 },
  { kind: 'ended', choice: 0, reason: 'stop' },
  {
    kind: 'finished',
    reason: 'stop',
    usage: { promptTokens: 1, imageTokens: 0, cachedTokens: 0, completionTokens: 1 },
    timings: { imagesMs: 0, decoderMs: 0, firstTokenMs: 0, totalMs: 0 },
  },
];

/** What is accepted: a label, the parameters, and what of it reaches the chat service. */
const ACCEPTED: readonly (readonly [string, object, object])[] = [
  ['nothing but model and prompt', {}, AS_IF_NOT_GIVEN],
  ['max_tokens', { max_tokens: 5 }, { maxTokens: 5 }],
  ['temperature', { temperature: 0 }, { sampling: { temperature: 0 } }],
  ['top_p', { top_p: 0.5 }, { sampling: { topP: 0.5 } }],
  ['top_k', { top_k: 3 }, { sampling: { topK: 3 } }],
  ['min_p', { min_p: 0.1 }, { sampling: { minP: 0.1 } }],
  ['repetition_penalty', { repetition_penalty: 1.1 }, { sampling: { repetitionPenalty: 1.1 } }],
  ['presence_penalty', { presence_penalty: -2 }, { sampling: { presencePenalty: -2 } }],
  ['frequency_penalty', { frequency_penalty: 2 }, { sampling: { frequencyPenalty: 2 } }],
  ['logit_bias', { logit_bias: { 5: -100 } }, { sampling: { logitBias: new Map([[5, -100]]) } }],
  ['seed', { seed: 7 }, { sampling: { seed: 7 } }],
  ['n', { n: 3 }, { choices: 3 }],
  ['best_of, as many as n', { n: 3, best_of: 3 }, { choices: 3 }],
  ['best_of alone', { best_of: 1 }, AS_IF_NOT_GIVEN],
  ['stop as a string', { stop: '\n' }, { stop: ['\n'] }],
  ['stop as a list', { stop: ['a', 'b'] }, { stop: ['a', 'b'] }],
  ['logprobs', { logprobs: 0 }, { logprobs: 0 }],
  ['more logprobs', { logprobs: 20 }, { logprobs: 20 }],
  ['ignore_eos', { ignore_eos: true }, { ignoreEos: true }],
  ['min_tokens', { min_tokens: 10 }, { minTokens: 10 }],
  ['priority, turned round', { priority: 5 }, { priority: -5 }],
  ['a pattern', { structured_outputs: { regex: 'a' } }, { grammar: { kind: 'regex', pattern: 'a' } }],
  ['a format', { response_format: { type: 'json_object' } }, { grammar: { kind: 'json-object' } }],
  ['echo: false', { echo: false }, AS_IF_NOT_GIVEN],
  ['user', { user: 'u' }, AS_IF_NOT_GIVEN],
  ['stream: false', { stream: false }, AS_IF_NOT_GIVEN],
  [
    'null for everything that may be left out',
    Object.fromEntries([...DOCUMENTED.slice(2), ...EXTENSIONS].map((name) => [name, null])),
    AS_IF_NOT_GIVEN,
  ],
  ['a list of one prompt', { prompt: ['Once'] }, AS_IF_NOT_GIVEN],
  ['pictures', { prompt: `${PIXEL}Describe:` }, { prompt: [SEEN, text('Describe:')] }],
  ['what only looks like a mark', { prompt: '<|im_end|><img>' }, { prompt: [text('<|im_end|><img>')] }],
];

/** What is refused: a label, the parameters, `param` and `message` of the error; its code where it is another. */
const REFUSED: readonly (readonly [string, object, string, string, string?])[] = [
  [
    'no prompt',
    { prompt: undefined },
    'prompt',
    'prompt: expected a string or an array of strings; token ids are not taken.',
  ],
  ['an empty list', { prompt: [] }, 'prompt', 'prompt: expected at least one prompt.'],
  [
    'token ids',
    { prompt: [1, 2] },
    'prompt[0]',
    'prompt[0]: expected a string or an array of strings; token ids are not taken.',
  ],
  [
    'lists of token ids',
    { prompt: [[1, 2]] },
    'prompt[0]',
    'prompt[0]: expected a string or an array of strings; token ids are not taken.',
  ],
  [
    'too many answers',
    { prompt: Array(5).fill('a'), n: 8 },
    'prompt',
    'prompt: 5 prompts with n: 8 make 40 answers; one request may ask for up to 32.',
  ],
  [
    'too many pictures',
    { prompt: [PIXEL, PIXEL + PIXEL] },
    'prompt',
    'prompt: 3 images; one request may hold up to 2.',
    'too_many_images',
  ],
  [
    'a picture that is none',
    { prompt: ['a', '<img>cat.png</img>'] },
    'prompt[1]',
    'prompt[1]: "cat.png" is not a picture; send the picture itself as a data URI (data:image/png;base64,…) or its http(s) URL, or refer to one sent before as eidetic://sha256/<64 hex digits>.',
    'unsupported_image_source',
  ],
  ['messages', { messages: [] }, 'messages', 'messages: this parameter is not supported; leave it out.'],
  ['suffix', { suffix: 'end' }, 'suffix', 'suffix: this model only goes on with a text; leave it out.'],
  ['echo', { echo: true }, 'echo', 'echo: the answer comes without its prompt; leave it out.'],
  [
    'another best_of',
    { n: 2, best_of: 3 },
    'best_of',
    'best_of: expected the same as n: every answer is sent, none is thrown away.',
  ],
  ['best_of of zero', { best_of: 0 }, 'best_of', 'best_of: Too small: expected number to be >=1.'],
  ['logprobs as in chats', { logprobs: true }, 'logprobs', 'logprobs: expected number, received boolean.'],
  ['more logprobs than 20', { logprobs: 21 }, 'logprobs', 'logprobs: Too big: expected number to be <=20.'],
  ['no tokens', { max_tokens: 0 }, 'max_tokens', 'max_tokens: Too small: expected number to be >=1.'],
  ['more answers than 8', { n: 9 }, 'n', 'n: Too big: expected number to be <=8.'],
  [
    'stream options without a stream',
    { stream_options: {} },
    'stream_options',
    'stream_options: only allowed when stream is true.',
  ],
  ['a parameter that nobody knows', { x: 1 }, 'x', 'x: this parameter is not supported; leave it out.'],
];

const complete = (app: ReturnType<typeof serve>, given: object) =>
  post(app, { model: MODEL, prompt: 'Once', ...given }, '/v1/completions');

it('every documented parameter is accepted or refused by a row of these tables', () => {
  const covered = new Set([...ACCEPTED, ...REFUSED].flatMap(([, given]) => Object.keys(given)));
  expect([...DOCUMENTED, ...EXTENSIONS].filter((name) => name !== 'model' && !covered.has(name))).toEqual([]);
});

describe('what is accepted', () => {
  it.each(ACCEPTED)('%s', async (_, given, seen) => {
    const { service, requests } = chatThat(() => play(END));
    const response = await complete(serve(service), given);
    expect(response.json()).toMatchObject({ object: 'text_completion' });
    const circumstances = { requestId: expect.stringMatching(/^cmpl-/), deadlineMs: expect.any(Number) };
    const asked = { prompt: [text('Once')], sampling: {}, stop: [], maxTokens: 16 };
    expect(requests).toEqual([{ ...circumstances, ...asked, ...seen }]);
  });
});

describe('what is refused', () => {
  it.each(REFUSED.map((row) => [row[0], row] as const))('%s', async (_, row) => {
    const [, given, param, message, code = 'invalid_request'] = row;
    const { service, requests } = chatThat(() => play(END));
    const response = await complete(serve(service), given);
    expect(response.json()).toEqual({ error: { message, type: 'invalid_request_error', param, code } });
    expect(response.statusCode).toBe(400);
    expect(requests).toEqual([]);
  });

  it('another model', async () => {
    const response = await complete(serve(chatThat(() => play(END)).service), { model: 'davinci' });
    expect(response.statusCode).toBe(404);
    expect(response.json().error).toMatchObject({ code: 'model_not_found', param: 'model' });
  });

  it.each<[string, object, object, string]>([
    ['max_tokens', {}, { param: 'maxTokens' }, 'max_tokens'],
    ['the prompt', {}, { param: 'prompt' }, 'prompt'],
    ['one of the prompts', { prompt: ['a', 'b'] }, { param: 'prompt' }, 'prompt[0]'],
    ['a picture', { prompt: PIXEL }, { picture: 0 }, 'prompt'],
  ])('%s when the model says so, by the name that the client uses', async (_, given, details, param) => {
    const failure = new EideticError('invalid_request', 'Because.', { details: { ...details } });
    const response = await complete(serve(chatThat(() => play([], failure)).service), given);
    expect(response.json().error).toMatchObject({ message: 'Because.', param });
  });
});
