import { describe, expect, it } from 'vitest';
import { ANSWER, chatThat, MODEL, play, post, serve, USER_SAYS_HI } from '../test/serve.ts';

const PIXEL = 'data:image/png;base64,iVBORw0KGgo=';
const IMAGE_ID = 'ab'.repeat(32);
const image = (url: string) => ({ type: 'image_url', image_url: { url } });
const textPart = (text: string) => ({ type: 'text', text });
const userSends = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] });

describe('what is accepted', () => {
  it.each<[string, object, object]>([
    ['nothing but model and messages', {}, { sampling: {}, stop: [] }],
    ['temperature', { temperature: 0 }, { sampling: { temperature: 0 } }],
    ['top_p', { top_p: 0.5 }, { sampling: { topP: 0.5 } }],
    ['top_k', { top_k: 40 }, { sampling: { topK: 40 } }],
    ['repetition_penalty', { repetition_penalty: 1.1 }, { sampling: { repetitionPenalty: 1.1 } }],
    ['seed', { seed: 7 }, { sampling: { seed: 7 } }],
    ['min_p', { min_p: 0.1 }, { sampling: { minP: 0.1 } }],
    ['presence_penalty', { presence_penalty: -2 }, { sampling: { presencePenalty: -2 } }],
    ['frequency_penalty', { frequency_penalty: 0.5 }, { sampling: { frequencyPenalty: 0.5 } }],
    [
      'logit_bias',
      { logit_bias: { 0: -100, 50256: 2.5 } },
      {
        sampling: {
          logitBias: new Map([
            [0, -100],
            [50256, 2.5],
          ]),
        },
      },
    ],
    ['n', { n: 1 }, { choices: 1 }],
    ['logprobs without the likeliest', { logprobs: true }, { logprobs: 0 }],
    ['logprobs with the likeliest', { logprobs: true, top_logprobs: 20 }, { logprobs: 20 }],
    ['ignore_eos', { ignore_eos: true }, { ignoreEos: true }],
    ['a priority, turned round: ours is higher first', { priority: -3 }, { priority: 3 }],
    ['priority 0', { priority: 0 }, { priority: 0 }],
    ['JSON answers', { response_format: { type: 'json_object' } }, { grammar: { kind: 'json-object' } }],
    [
      'answers of a JSON schema',
      {
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'n', description: 'd', strict: true, schema: { type: 'object', $defs: { a: {} } } },
        },
      },
      { grammar: { kind: 'json-schema', schema: '{"type":"object","$defs":{"a":{}}}' } },
    ],
    [
      'answers that match a regular expression',
      { structured_outputs: { regex: '[0-9]+' }, response_format: { type: 'text' } },
      { grammar: { kind: 'regex', pattern: '[0-9]+' } },
    ],
    ['max_tokens', { max_tokens: 5 }, { maxTokens: 5 }],
    ['max_completion_tokens', { max_completion_tokens: 6 }, { maxTokens: 6 }],
    ['stop as a string', { stop: '\n' }, { stop: ['\n'] }],
    ['stop as a list', { stop: ['a', 'b', 'c', 'd'] }, { stop: ['a', 'b', 'c', 'd'] }],
    [
      'null for what is not given',
      { temperature: null, stop: null, max_tokens: null, n: null, logit_bias: null, response_format: null },
      { sampling: {}, stop: [] },
    ],
    [
      'user, metadata, n and a text response',
      {
        user: 'u',
        metadata: { a: 'b' },
        n: 1,
        response_format: { type: 'text' },
        presence_penalty: 0,
        frequency_penalty: 0,
        logprobs: false,
      },
      {},
    ],
    ['content as a string', {}, { messages: [{ role: 'user', content: [{ kind: 'text', text: 'Hi' }] }] }],
    [
      'content as parts',
      userSends(textPart('What is'), image(PIXEL), image(`eidetic://sha256/${IMAGE_ID}`)),
      {
        messages: [
          {
            role: 'user',
            content: [
              { kind: 'text', text: 'What is' },
              { kind: 'image', source: { kind: 'bytes', bytes: Buffer.from('iVBORw0KGgo=', 'base64') } },
              { kind: 'image', source: { kind: 'reference', imageId: IMAGE_ID } },
            ],
          },
        ],
      },
    ],
    [
      'a dialog with our own answer as history',
      {
        messages: [
          { role: 'developer', content: 'Be brief.' },
          ...USER_SAYS_HI,
          { role: 'assistant', content: 'Hello', refusal: null, grounding: [{ text: 'cat' }] },
          ...USER_SAYS_HI,
          { role: 'assistant', content: 'Hello again' },
          ...USER_SAYS_HI,
        ],
      },
      {
        messages: [
          { role: 'system', content: [{ kind: 'text', text: 'Be brief.' }] },
          { role: 'user', content: [{ kind: 'text', text: 'Hi' }] },
          { role: 'assistant', content: [{ kind: 'text', text: 'Hello' }] },
          { role: 'user', content: [{ kind: 'text', text: 'Hi' }] },
          { role: 'assistant', content: [{ kind: 'text', text: 'Hello again' }] },
          { role: 'user', content: [{ kind: 'text', text: 'Hi' }] },
        ],
      },
    ],
  ])('%s', async (_, given, seen) => {
    const { service, requests } = chatThat(() => play(ANSWER));
    const response = await post(serve(service), { model: MODEL, messages: USER_SAYS_HI, ...given });
    expect(response.json()).toMatchObject({ object: 'chat.completion' });
    expect(requests).toEqual([expect.objectContaining(seen)]);
  });
});

describe('what is refused', () => {
  const URL_PATH = 'messages[0].content[0].image_url.url';
  it.each<[string, object, string, string, RegExp]>([
    ['tools', { tools: [] }, 'invalid_request', 'tools', /^tools: this parameter is not supported/],
    [
      'top_logprobs alone',
      { top_logprobs: 2 },
      'invalid_request',
      'top_logprobs',
      /only allowed when logprobs is true/,
    ],
    ['more of the likeliest than 20', { logprobs: true, top_logprobs: 21 }, 'invalid_request', 'top_logprobs', /<=20/],
    ['logprobs as a number', { logprobs: 5 }, 'invalid_request', 'logprobs', /expected boolean, received number/],
    ['a presence_penalty out of range', { presence_penalty: 3 }, 'invalid_request', 'presence_penalty', /<=2/],
    ['a frequency_penalty out of range', { frequency_penalty: -3 }, 'invalid_request', 'frequency_penalty', />=-2/],
    ['min_p above 1', { min_p: 1.5 }, 'invalid_request', 'min_p', /<=1/],
    ['a bias out of range', { logit_bias: { 5: 101 } }, 'invalid_request', 'logit_bias.5', /<=100/],
    [
      'a bias of no token',
      { logit_bias: { dog: 1 } },
      'invalid_request',
      'logit_bias.dog',
      /expected token ids as keys/,
    ],
    [
      'too many biases',
      { logit_bias: Object.fromEntries(Array.from({ length: 1025 }, (_, id) => [id, 1])) },
      'invalid_request',
      'logit_bias',
      /at most 1024 token ids/,
    ],
    ['ignore_eos as text', { ignore_eos: 'yes' }, 'invalid_request', 'ignore_eos', /expected boolean/],
    ['a priority out of range', { priority: 101 }, 'invalid_request', 'priority', /<=100/],
    ['a parameter that nobody knows', { temprature: 1 }, 'invalid_request', 'temprature', /not supported/],
    ['no answer at all', { n: 0 }, 'invalid_request', 'n', />=1/],
    ['more answers than 8', { n: 9 }, 'invalid_request', 'n', /<=8/],
    [
      'another format',
      { response_format: { type: 'xml' } },
      'invalid_request',
      'response_format.type',
      /expected "text", "json_object" or "json_schema"/,
    ],
    [
      'a JSON schema without one',
      { response_format: { type: 'json_schema', json_schema: { name: 'n' } } },
      'invalid_request',
      'response_format.json_schema.schema',
      /expected record/,
    ],
    [
      'two languages at once',
      { response_format: { type: 'json_object' }, structured_outputs: { regex: 'a' } },
      'invalid_request',
      'structured_outputs',
      /not both/,
    ],
    [
      'an output structure that is not served',
      { structured_outputs: { choice: ['a'] } },
      'invalid_request',
      'structured_outputs.regex',
      /expected a regular expression; no other structure is served/,
    ],
    [
      'a missing model',
      { model: undefined },
      'invalid_request',
      'model',
      /^model: expected string, received undefined/,
    ],
    [
      'a model that is not served',
      { model: 'gpt-4o' },
      'model_not_found',
      'model',
      /"gpt-4o" is not served here; ask for "nano"/,
    ],
    ['no messages', { messages: [] }, 'invalid_request', 'messages', /at least one message/],
    ['messages that are no list', { messages: 'Hi' }, 'invalid_request', 'messages', /expected array/],
    [
      'an unknown role',
      { messages: [{ role: 'tool', content: '' }] },
      'invalid_request',
      'messages[0].role',
      /expected "system", "user"/,
    ],
    [
      'an unknown field of a message',
      { messages: [{ role: 'user', content: '', name: 'x' }] },
      'invalid_request',
      'messages[0].name',
      /not supported/,
    ],
    [
      'content of the wrong type',
      { messages: [{ role: 'user', content: 5 }] },
      'invalid_request',
      'messages[0].content',
      /a string or an array of parts/,
    ],
    ['content without parts', userSends(), 'invalid_request', 'messages[0].content', /at least one part/],
    [
      'an unknown part',
      userSends({ type: 'input_audio' }),
      'invalid_request',
      'messages[0].content[0].type',
      /"text" or "image_url"/,
    ],
    [
      'a URL of the wrong type',
      userSends({ type: 'image_url', image_url: { url: 5 } }),
      'invalid_request',
      URL_PATH,
      /expected string, received number/,
    ],
    [
      'a detail that cannot be honoured',
      userSends({ type: 'image_url', image_url: { url: PIXEL, detail: 'high' } }),
      'invalid_request',
      'messages[0].content[0].image_url.detail',
      /expected "auto"/,
    ],
    [
      'a picture from the system',
      { messages: [{ role: 'system', content: [image(PIXEL)] }] },
      'invalid_request',
      'messages[0].content[0].type',
      /expected "text"/,
    ],
    [
      'a picture on the web',
      userSends(image('https://example.com/cat.png')),
      'unsupported_image_source',
      URL_PATH,
      /send the picture itself as a data URI/,
    ],
    ['another scheme', userSends(image('file:///etc/passwd')), 'unsupported_image_source', URL_PATH, /not a picture/],
    ['broken base64', userSends(image('data:image/png;base64,@@@@')), 'invalid_image', URL_PATH, /base64/],
    [
      'too many pictures',
      userSends(image(PIXEL), image(PIXEL), image(PIXEL)),
      'too_many_images',
      'messages',
      /3 images; one request may hold up to 2/,
    ],
    ['temperature as text', { temperature: '1' }, 'invalid_request', 'temperature', /expected number, received string/],
    ['temperature out of range', { temperature: 2.5 }, 'invalid_request', 'temperature', /<=2/],
    ['top_p of zero', { top_p: 0 }, 'invalid_request', 'top_p', />0/],
    ['a negative top_k', { top_k: -1 }, 'invalid_request', 'top_k', />=0/],
    ['a penalty of zero', { repetition_penalty: 0 }, 'invalid_request', 'repetition_penalty', />=0.01/],
    ['a penalty of next to nothing', { repetition_penalty: 1e-300 }, 'invalid_request', 'repetition_penalty', />=0.01/],
    ['a seed with a fraction', { seed: 1.5 }, 'invalid_request', 'seed', /int/],
    ['no tokens at all', { max_tokens: 0 }, 'invalid_request', 'max_tokens', />=1/],
    ['both limits at once', { max_tokens: 1, max_completion_tokens: 1 }, 'invalid_request', 'max_tokens', /not both/],
    ['five stop strings', { stop: ['a', 'b', 'c', 'd', 'e'] }, 'invalid_request', 'stop', /<=4/],
    ['an empty stop string', { stop: '' }, 'invalid_request', 'stop[0]', />=1/],
    ['stream as text', { stream: 'yes' }, 'invalid_request', 'stream', /expected boolean/],
    [
      'stream options without a stream',
      { stream_options: {} },
      'invalid_request',
      'stream_options',
      /only allowed when stream is true/,
    ],
    [
      'an unknown stream option',
      { stream: true, stream_options: { x: 1 } },
      'invalid_request',
      'stream_options.x',
      /not supported/,
    ],
    ['metadata that is not text', { metadata: { a: 1 } }, 'invalid_request', 'metadata.a', /expected string/],
    ['a user that is no text', { user: 1 }, 'invalid_request', 'user', /expected string/],
  ])('%s', async (_, given, code, param, message) => {
    const { service, requests } = chatThat(() => play(ANSWER));
    const response = await post(serve(service), { model: MODEL, messages: USER_SAYS_HI, ...given });
    expect(response.json()).toEqual({
      error: { message: expect.stringMatching(message), type: 'invalid_request_error', param, code },
    });
    expect(response.statusCode).toBe(code === 'model_not_found' ? 404 : 400);
    expect(requests).toEqual([]);
  });

  it('a JSON schema that is too deep to be written', async () => {
    const app = serve(chatThat(() => play(ANSWER)).service);
    const schema = `{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`;
    const format = `{"type": "json_schema", "json_schema": {"name": "n", "schema": ${schema}}}`;
    const messages = JSON.stringify(USER_SAYS_HI);
    const body = `{"model": "${MODEL}", "messages": ${messages}, "response_format": ${format}}`;
    const response = await post(app, body);
    expect(response.json().error).toMatchObject({
      code: 'invalid_request',
      param: 'response_format.json_schema.schema',
      message: expect.stringMatching(/nested too deeply/),
    });
  });

  it.each<[string, unknown]>([
    ['null', null],
    ['a list', []],
    ['a number', 5],
  ])('%s as the body', async (_, body) => {
    const response = await post(serve(chatThat(() => play(ANSWER)).service), body);
    expect(response.statusCode).toBe(400);
    expect(response.json().error).toMatchObject({
      message: expect.stringMatching(/^body: expected object/),
      param: null,
    });
  });
});
