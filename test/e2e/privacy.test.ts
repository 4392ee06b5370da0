import { ServiceProcess } from '@eidetic/launcher';
import { ChatServiceDefinition, ImageServiceDefinition } from '@eidetic/proto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { keyFile } from '../support/api-keys.ts';
import { imagePart, post } from '../support/chat-client.ts';
import { channelTo, picturePart, rpcRequest, textPart } from '../support/rpc-chat.ts';

const MODEL = 'qwen-vl-nano-chat';
/** No part of anything that the server would say by itself. */
const SECRET = 'zqxjkvbmarigold';
/** As the data of a picture, it is in the base64 as it is. */
const PICTURE = Buffer.from(`iVBORw0KGgo${SECRET}`, 'base64');

const { path, keyOf } = await keyFile({ good: {}, busy: { requestsPerMinute: 1 } });
const lines: string[] = [];
let server: ServiceProcess;

beforeAll(async () => {
  server = await ServiceProcess.start('standalone', {
    settings: {
      EIDETIC_HTTP_PORT: '0',
      EIDETIC_GRPC_PORT: '0',
      EIDETIC_CACHE_DIR: '.cache/test-bundles',
      EIDETIC_THREADS: '1',
      EIDETIC_API_KEYS_FILE: path,
      EIDETIC_LOG_LEVEL: 'trace',
    },
    log: true,
    onLine: (line) => lines.push(line),
  });
});

afterAll(() => server.kill());

const json = (key: string) => ({ 'content-type': 'application/json', authorization: `Bearer ${key}` });
const chat = async (fields: object | string, key = keyOf('good')): Promise<number> => {
  const body = typeof fields === 'string' ? fields : { model: MODEL, max_tokens: 2, ...fields };
  const response = await post(server.http, body, { headers: json(key) });
  await response.text();
  return response.status;
};
const user = (content: unknown) => ({ messages: [{ role: 'user', content }] });
const url = (address: string) => user([{ type: 'image_url', image_url: { url: address } }]);

/** Everything that clients send and that may go wrong with it, with the status that shows how far it came. */
const SENT: readonly (readonly [string, () => Promise<number>, number])[] = [
  ['a prompt', () => chat(user(SECRET)), 200],
  ['a streamed prompt', () => chat({ ...user(SECRET), stream: true, user: SECRET, stop: [SECRET] }), 200],
  ['a key that is not known', () => chat(user('Hi'), SECRET), 401],
  [
    'a key without requests left',
    () => chat(user(SECRET), keyOf('busy')).then(() => chat(user(SECRET), keyOf('busy'))),
    429,
  ],
  ['broken JSON', () => chat(`{"messages": "${SECRET}`), 400],
  ['a field that there is not', () => chat({ ...user('Hi'), [SECRET]: SECRET }), 400],
  ['a value of the wrong type', () => chat({ ...user('Hi'), temperature: SECRET }), 400],
  ['a role that there is not', () => chat({ messages: [{ role: SECRET, content: SECRET }] }), 400],
  ['a model that there is not', () => chat({ ...user(SECRET), model: SECRET }), 404],
  ['a picture that is none', () => chat(user([imagePart(PICTURE), { type: 'text', text: SECRET }])), 400],
  ['a picture that is no base64', () => chat(url(`data:image/png;base64,!${SECRET}`)), 400],
  ['a picture of a scheme that is not served', () => chat(url(`file:///${SECRET}`)), 400],
  ['a picture at a host that may not be asked', () => chat(url(`http://127.0.0.1/${SECRET}`)), 400],
  [
    'a schema that cannot be',
    () =>
      chat({
        ...user(SECRET),
        response_format: { type: 'json_schema', json_schema: { name: 'x', schema: { type: SECRET } } },
      }),
    400,
  ],
  ['a prompt that is too long', () => chat(user(SECRET.repeat(2000))), 400],
  [
    'an address that there is not',
    () =>
      fetch(`${server.http}/v1/${SECRET}?api_key=${SECRET}`, { headers: json(keyOf('good')) }).then(
        ({ status }) => status,
      ),
    404,
  ],
];

it.each(SENT)('logs nothing of %s', async (_, send, status) => {
  const before = lines.length;
  expect(await send()).toBe(status);
  // Something was logged of it, in full.
  await expect.poll(() => lines.slice(before).some((line) => line.includes('"msg":"request"'))).toBe(true);
  expect(lines.slice(before).filter((line) => line.includes(SECRET))).toEqual([]);
});

it('logs nothing of what comes over gRPC', async () => {
  const channel = channelTo(server.grpc);
  const calls = [
    channel.stream(ChatServiceDefinition, 'chat', rpcRequest([textPart(SECRET)], { maxTokens: 2 }), {
      apiKey: keyOf('good'),
    }),
    channel.stream(ChatServiceDefinition, 'chat', rpcRequest([picturePart(PICTURE), textPart(SECRET)]), {
      apiKey: keyOf('good'),
    }),
    channel.stream(ChatServiceDefinition, 'chat', rpcRequest([textPart(SECRET)]), { apiKey: SECRET }),
  ];
  const ends = await Promise.allSettled(calls.map((call) => Array.fromAsync(call)));
  expect(ends.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected']);
  const image = { source: { $case: 'url', value: `http://127.0.0.1/${SECRET}` } } as const;
  await expect(channel.unary(ImageServiceDefinition, 'encode', { image }, { apiKey: keyOf('good') })).rejects.toThrow();
  await expect.poll(() => lines.some((line) => line.includes('/eidetic.v1.'))).toBe(true);
  expect(lines.filter((line) => line.includes(SECRET))).toEqual([]);
});

it('logs no key, not even of those that are let in', () => {
  for (const id of ['good', 'busy'] as const) {
    expect(lines.filter((line) => line.includes(keyOf(id).slice(0, 16)))).toEqual([]);
  }
});
