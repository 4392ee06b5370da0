import { EideticError } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { ACCEPTED, DOCUMENTED, EXTENSIONS, REFUSED } from '../test/chat-parameters.ts';
import { ANSWER, chatThat, MODEL, play, post, serve, USER_SAYS_HI } from '../test/serve.ts';

it('every documented parameter is accepted or refused by a row of these tables', () => {
  const covered = new Set([...ACCEPTED, ...REFUSED].flatMap(([, given]) => Object.keys(given)));
  expect([...DOCUMENTED, ...EXTENSIONS].filter((name) => !covered.has(name))).toEqual([]);
});

describe('what is accepted', () => {
  const asked = { messages: [{ role: 'user', content: [{ kind: 'text', text: 'Hi' }] }], sampling: {}, stop: [] };

  it.each(ACCEPTED)('%s', async (_, given, seen) => {
    const { service, requests } = chatThat(() => play(ANSWER));
    const app = serve(service, { maxImagesPerRequest: 4 });
    const response = await post(app, { model: MODEL, messages: USER_SAYS_HI, ...given });
    expect(response.json()).toMatchObject({ object: 'chat.completion' });
    const circumstances = { requestId: expect.any(String), deadlineMs: expect.any(Number) };
    expect(requests).toEqual([{ ...circumstances, ...asked, ...seen }]);
  });
});

describe('what is refused', () => {
  it.each(REFUSED.map((row) => [row[0], row] as const))('%s', async (_, row) => {
    const [, given, param, message, code = 'invalid_request', status = 400] = row;
    const { service, requests } = chatThat(() => play(ANSWER));
    const response = await post(serve(service), { model: MODEL, messages: USER_SAYS_HI, ...given });
    expect(response.json()).toEqual({ error: { message, type: 'invalid_request_error', param, code } });
    expect(response.statusCode).toBe(status);
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

describe('what is wrong only for the model', () => {
  const PIXEL = { type: 'image_url', image_url: { url: 'data:image/png;base64,iVBORw0KGgo=' } };
  const messages = [{ role: 'user', content: [{ type: 'text', text: 'Hi' }, PIXEL, PIXEL] }];
  const schema = { type: 'json_schema', json_schema: { name: 'n', schema: {} } };

  it.each<[string, object, object, string | null]>([
    ['max_tokens', { max_tokens: 9 }, { param: 'maxTokens' }, 'max_tokens'],
    ['max_completion_tokens', { max_completion_tokens: 9 }, { param: 'maxTokens' }, 'max_completion_tokens'],
    ['n', { n: 2 }, { param: 'choices' }, 'n'],
    ['messages', {}, { param: 'messages' }, 'messages'],
    ['a JSON schema', { response_format: schema }, { param: 'grammar' }, 'response_format.json_schema.schema'],
    ['a format', { response_format: { type: 'json_object' } }, { param: 'grammar' }, 'response_format'],
    ['a pattern', { structured_outputs: { regex: 'a' } }, { param: 'grammar' }, 'structured_outputs.regex'],
    ['a choice', { structured_outputs: { choice: ['a'] } }, { param: 'grammar' }, 'structured_outputs.choice'],
    [
      'a schema of the extension',
      { structured_outputs: { json: {} } },
      { param: 'grammar' },
      'structured_outputs.json',
    ],
    ['a picture', {}, { picture: 1 }, 'messages[0].content[2].image_url.url'],
    ['nothing in particular', {}, {}, null],
  ])('is %s by the name that the client uses', async (_, given, details, param) => {
    const failure = new EideticError('invalid_request', 'Because.', { details: { ...details } });
    const app = serve(chatThat(() => play([], failure)).service);
    const response = await post(app, { model: MODEL, messages, ...given });
    expect(response.json()).toEqual({
      error: { message: 'Because.', type: 'invalid_request_error', param, code: 'invalid_request' },
    });
  });
});
