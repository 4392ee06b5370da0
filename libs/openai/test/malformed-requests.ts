import fc from 'fast-check';
import type { RawRequest } from './raw-exchange.ts';
import { MODEL } from './serve.ts';

const PIXEL = 'data:image/png;base64,iVBORw0KGgo=';
const OPTIONS = {
  model: MODEL,
  max_tokens: 5,
  temperature: 1,
  top_p: 0.5,
  top_k: 5,
  n: 1,
  seed: 1,
  stop: ['a', 'b'],
  presence_penalty: 1,
  logit_bias: { 5: 1 },
  response_format: { type: 'json_schema', json_schema: { name: 'n', schema: { type: 'object' } } },
  user: 'u',
};

/** Bodies that are answered, by their route. */
const GOOD: readonly (readonly [string, object])[] = [
  [
    '/v1/chat/completions',
    {
      ...OPTIONS,
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'Hi' },
            { type: 'image_url', image_url: { url: PIXEL, detail: 'auto' } },
          ],
        },
        { role: 'assistant', content: 'Hi', refusal: null, tool_calls: [], grounding: [] },
        { role: 'user', content: 'And?' },
      ],
      logprobs: true,
      top_logprobs: 2,
      metadata: { a: 'b' },
    },
  ],
  ['/v1/chat/completions', { model: MODEL, messages: [{ role: 'user', content: 'Hi' }], stream: true }],
  ['/v1/completions', { ...OPTIONS, prompt: ['a', `<img>${PIXEL}</img>b`], logprobs: 2 }],
  ['/v1/completions', { model: MODEL, prompt: 'a', stream: true, stream_options: { include_usage: true } }],
];

/** JSON, and what is nearly JSON, that no library would write. */
const ODD_JSON = [
  '1e999',
  '-1e999',
  '1e-999',
  '-0',
  '9007199254740993',
  '123456789012345678901234567890',
  'NaN',
  'Infinity',
  'undefined',
  '01',
  "'a'",
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '"\\x"',
  '"\u0001"',
  '{"__proto__":{"model":"x"}}',
  '{"constructor":{"prototype":{"model":"x"}}}',
  '{"a":1,"a":2}',
  '{"toString":1,"hasOwnProperty":2,"valueOf":3}',
  '[,]',
  '{"a":1,}',
  '/**/1',
  `${'['.repeat(3_000)}${']'.repeat(3_000)}`,
  `${'{"a":'.repeat(3_000)}1${'}'.repeat(3_000)}`,
  '['.repeat(3_000),
];

/** Strings that stand for pieces of {@link ODD_JSON} until the whole is text. */
const oddJson = fc.constantFrom(...ODD_JSON).map((json) => `@@${Buffer.from(json).toString('hex')}@@`);
const toText = (value: unknown): string =>
  JSON.stringify(value).replaceAll(/"@@([0-9a-f]*)@@"/g, (_, hex: string) => Buffer.from(hex, 'hex').toString());

const url = fc.oneof(
  fc.base64String().map((base64) => `data:image/png;base64,${base64}`),
  fc.string({ unit: 'binary' }).map((text) => `data:image/png;base64,${text}`),
  fc.constantFrom('data:', 'data:,', 'data:image/png;base64', 'eidetic://sha256/', 'http://', 'https://[', 'file:///'),
);
const anything = fc.oneof(
  fc.jsonValue(),
  fc.double(),
  fc.string({ unit: 'binary', maxLength: 50 }),
  url,
  oddJson,
  fc.constant('x'.repeat(70_000)),
  fc.constantFrom({ type: 'image_url', image_url: { url: PIXEL } }, { role: 'tool', content: [] }),
);

/** Paths of all values in a value. */
const pathsIn = (value: unknown, path: readonly string[] = []): (readonly string[])[] => [
  path,
  ...(typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => pathsIn(inner, [...path, key]))
    : []),
];

const replaced = (value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown => {
  if (key === undefined || typeof value !== 'object' || value === null) return by;
  const inner = replaced((value as Record<string, unknown>)[key], rest, by);
  return Object.assign(Array.isArray(value) ? [...value] : { ...value }, { [key]: inner });
};

/** A good body with other values at some places, and a key that nobody knows now and then. */
const wrongBody = fc.constantFrom(...GOOD).chain(([path, good]) => {
  const change = fc.tuple(fc.constantFrom(...pathsIn(good)), anything);
  return fc
    .tuple(fc.array(change, { maxLength: 3 }), fc.option(fc.tuple(fc.string(), anything), { freq: 1 }))
    .map(([changes, extra]) => {
      const changed = changes.reduce<unknown>((body, [at, by]) => replaced(body, at, by), good);
      const whole = extra !== null && typeof changed === 'object' ? { ...changed, [extra[0]]: extra[1] } : changed;
      return { path, body: Buffer.from(toText(whole)) };
    });
});

/** A body with a piece cut out, doubled, or replaced by any bytes. */
const brokenBody = fc
  .tuple(wrongBody, fc.double({ min: 0, max: 1, noNaN: true }), fc.nat(20), fc.uint8Array({ maxLength: 8 }))
  .map(([{ path, body }, where, length, bytes]) => {
    const at = Math.floor(where * body.length);
    return { path, body: Buffer.concat([body.subarray(0, at), bytes, body.subarray(at + length)]) };
  });

const anyBody = fc
  .tuple(
    fc.constantFrom(...GOOD),
    fc.oneof(
      fc.uint8Array(),
      oddJson.map((odd) => Buffer.from(toText(odd))),
    ),
  )
  .map(([[path], body]) => ({ path, body: Buffer.from(body) }));

const request = (line: string, headers: readonly string[], body: Buffer): Buffer =>
  Buffer.concat([Buffer.from(`${line}\r\n${headers.join('\r\n')}\r\n\r\n`, 'latin1'), body]);

const posted = ({ path, body }: { readonly path: string; readonly body: Buffer }, type = 'application/json'): Buffer =>
  request(
    `POST ${path} HTTP/1.1`,
    ['host: a', 'connection: close', `content-type: ${type}`, `content-length: ${body.length}`],
    body,
  );

const TYPES = [
  'application/json',
  'application/json; charset=utf-16',
  'APPLICATION/JSON',
  'text/plain',
  'text/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data',
  'multipart/form-data; boundary=a',
  'application/octet-stream',
  'json',
  ';',
  '',
];
const PATHS = [
  '/v1/chat/completions',
  '/v1/completions',
  '/v1/models',
  `/v1/models/${MODEL}`,
  '/v1/files',
  '/v1/files?limit=1e9&order=up&after=',
  '/v1/files?__proto__=1&limit[]=2&purpose=vision',
  '/v1/files/file-1',
  '/v1/files/file-1/content',
  '/v1/batches',
  '/v1/batches/batch_1',
  '/v1/batches/batch_1/cancel',
  '/v1',
  '/',
  '/v1/%zz',
  '/v1/models/%00',
  '/v1/../v1/models',
  '//v1//models',
  '/v1/models?a=%',
  'http://b/v1/models',
  '*',
  `/v1/models/${'x'.repeat(9_000)}`,
];
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND'];
const HEADERS = [
  'accept-encoding: gzip',
  'content-encoding: gzip',
  'expect: 100-continue',
  'expect: miracles',
  'authorization: Bearer',
  'authorization: Basic a:b',
  `authorization: Bearer ${'k'.repeat(5_000)}`,
  'upgrade: websocket',
  'x-request-id: {"a":1}',
  'traceparent: 00-zz',
  'range: bytes=0-',
  'origin: null',
  'access-control-request-method: POST',
  'cookie: __proto__=1',
  'host: b',
];

/** A form with any fields and files, whole or with its end missing. */
const form = fc
  .tuple(
    fc.array(
      fc.record({
        name: fc.constantFrom(
          'file',
          'purpose',
          'expires_after[seconds]',
          'expires_after[anchor]',
          '__proto__',
          'x',
          '',
        ),
        filename: fc.option(fc.oneof(fc.constantFrom('a.png', '../../a', '__proto__'), fc.string())),
        content: fc.oneof(
          fc.constantFrom('vision', 'batch', 'user_data', 'created_at', '3600', '-1', PIXEL, 'x'.repeat(200_000)),
          fc.string({ unit: 'binary' }),
        ),
      }),
      { maxLength: 4 },
    ),
    fc.constantFrom('--b--\r\n', '--b--', '--b', '', '--c--\r\n'),
    fc.constantFrom('boundary=b', 'boundary="b"', 'boundary=c', 'boundary=', ''),
  )
  .map(([parts, end, boundary]) => {
    const written = parts.map(({ name, filename, content }) => {
      const file = filename === null ? '' : `; filename="${filename}"`;
      return `--b\r\ncontent-disposition: form-data; name="${name}"${file}\r\n\r\n${content}\r\n`;
    });
    return posted({ path: '/v1/files', body: Buffer.from(written.join('') + end) }, `multipart/form-data; ${boundary}`);
  });

/** A whole request with a good frame and any body, of any method and route, with any of some headers. */
const framed: fc.Arbitrary<RawRequest> = fc
  .oneof(
    { weight: 4, arbitrary: wrongBody.map((body) => posted(body)) },
    { weight: 3, arbitrary: brokenBody.map((body) => posted(body)) },
    { weight: 1, arbitrary: form },
    { weight: 1, arbitrary: fc.tuple(anyBody, fc.constantFrom(...TYPES)).map(([body, type]) => posted(body, type)) },
    {
      weight: 2,
      arbitrary: fc
        .tuple(
          fc.constantFrom(...METHODS),
          fc.constantFrom(...PATHS),
          fc.subarray(HEADERS, { maxLength: 3 }),
          fc.option(fc.tuple(wrongBody, fc.constantFrom(...TYPES))),
        )
        .map(([method, path, headers, sent]) => {
          const body = sent?.[0].body ?? Buffer.alloc(0);
          const described = sent === null ? [] : [`content-type: ${sent[1]}`, `content-length: ${body.length}`];
          return request(
            `${method} ${path} HTTP/1.1`,
            ['host: a', 'connection: close', ...headers, ...described],
            body,
          );
        }),
    },
  )
  .map((bytes) => ({ bytes, whole: true }));

/** Lengths of chunks that are none, and extensions that nobody asked for. */
const CHUNKS = [
  '5\r\nhello\r\n',
  '5\r\nhel\r\n',
  '-1\r\n',
  'zz\r\na\r\n',
  'ffffffffffffffff\r\n',
  '0\r\n\r\n',
  '0\r\nx: y\r\n\r\n',
  '3;a="\r\nabc\r\n',
  '\r\n',
];
const chunked = fc
  .tuple(fc.constantFrom(...GOOD), fc.array(fc.constantFrom(...CHUNKS), { maxLength: 4 }), fc.boolean())
  .map(([[path, good], chunks, both]) => {
    const body = JSON.stringify(good);
    const headers = ['host: a', 'content-type: application/json', 'transfer-encoding: chunked'];
    const first = `${body.length.toString(16)}\r\n${body}\r\n`;
    return request(
      `POST ${path} HTTP/1.1`,
      both ? [...headers, 'content-length: 5'] : headers,
      Buffer.from(first + chunks.join('')),
    );
  });

const half = fc
  .tuple(fc.constantFrom(...GOOD), fc.double({ min: 0, max: 1, noNaN: true }))
  .map(([[path, good], share]) => {
    const bytes = posted({ path, body: Buffer.from(JSON.stringify(good)) });
    return bytes.subarray(0, Math.floor(share * bytes.length));
  });

const badHead = fc
  .tuple(
    fc.constantFrom(...METHODS, 'CONNECT', 'FOO', 'get', ''),
    fc.constantFrom(...PATHS, '', ' ', '\u0000'),
    fc.string(),
    fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/9.9', 'ICY', ''),
  )
  .map(([method, path, header, version]) =>
    request(`${method} ${path} ${version}`, ['host: a', header], Buffer.alloc(0)),
  );

const LENGTHS = ['-1', 'abc', '1e3', '0x10', '99999999999999999999', '5, 5', ' 5', '+5'];
const badLength = fc
  .tuple(fc.constantFrom(...GOOD), fc.constantFrom(...LENGTHS))
  .map(([[path, good], length]) =>
    request(
      `POST ${path} HTTP/1.1`,
      ['host: a', 'content-type: application/json', `content-length: ${length}`],
      Buffer.from(JSON.stringify(good)),
    ),
  );

const pipelined = fc
  .array(
    fc.oneof(
      framed.map(({ bytes }) => bytes),
      half,
      fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    ),
    { minLength: 2, maxLength: 4 },
  )
  .map((pieces) =>
    Buffer.concat(
      pieces.map((bytes) => Buffer.from(bytes.toString('latin1').replace('connection: close\r\n', ''), 'latin1')),
    ),
  );

/** What is no HTTP, or not all of it, or more than one at a time. */
const unframed: fc.Arbitrary<RawRequest> = fc
  .oneof(
    chunked,
    half,
    badHead,
    badLength,
    pipelined,
    fc.uint8Array({ maxLength: 500 }).map((bytes) => Buffer.from(bytes)),
  )
  .map((bytes) => ({ bytes, whole: false }));

/** What a server may be sent by clients that are broken or hostile. */
export const malformedRequest: fc.Arbitrary<RawRequest> = fc.oneof(
  { weight: 2, arbitrary: framed },
  { weight: 1, arbitrary: unframed },
);
