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
    ['max_tokens', { max_tokens: 5 }, { maxTokens: 5 }],
    ['max_completion_tokens', { max_completion_tokens: 6 }, { maxTokens: 6 }],
    ['stop as a string', { stop: '\n' }, { stop: ['\n'] }],
    ['stop as a list', { stop: ['a', 'b', 'c', 'd'] }, { stop: ['a', 'b', 'c', 'd'] }],
    [
      'null for what is not given',
      { temperature: null, stop: null, max_tokens: null, n: null },
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
    ['logprobs', { logprobs: true }, 'invalid_request', 'logprobs', /not supported/],
    ['presence_penalty', { presence_penalty: 1 }, 'invalid_request', 'presence_penalty', /not supported; only 0/],
    ['frequency_penalty', { frequency_penalty: -1 }, 'invalid_request', 'frequency_penalty', /not supported; only 0/],
    ['a parameter that nobody knows', { temprature: 1 }, 'invalid_request', 'temprature', /not supported/],
    ['n above 1', { n: 2 }, 'invalid_request', 'n', /^n: expected 1\.$/],
    [
      'JSON answers',
      { response_format: { type: 'json_object' } },
      'invalid_request',
      'response_format.type',
      /expected "text"/,
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
