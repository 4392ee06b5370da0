import { deflateSync, gzipSync } from 'node:zlib';
import { ChatRequest, ImageServiceEncodeRequest, Role, UploadRequest } from '@eidetic/proto';
import fc from 'fast-check';
import { message } from './serve.ts';

/** One call as it travels: headers, bytes in pieces, and how the client ends. */
export interface RawCall {
  readonly headers: Readonly<Record<string, string>>;
  readonly pieces: readonly Uint8Array[];
  /** `end` completes the request; the others leave in the middle of it. */
  readonly ending: 'end' | 'reset' | 'hang up';
  /** Whether something below the messages is wrong of which grpc-js itself says INTERNAL: a deadline or a compression that cannot be read. */
  readonly brokenTransport: boolean;
  /** What of it is printed. */
  readonly [fc.toStringMethod]: () => string;
}

const METHODS = {
  '/eidetic.v1.ChatService/Chat': ChatRequest.encode(
    message({
      messages: [
        { role: Role.ROLE_SYSTEM, content: [{ part: { $case: 'text', value: 'Be brief.' } }] },
        {
          role: Role.ROLE_USER,
          content: [
            { part: { $case: 'image', value: { source: { $case: 'data', value: Uint8Array.of(1, 2, 3) } } } },
            { part: { $case: 'image', value: { source: { $case: 'imageId', value: 'a'.repeat(64) } } } },
            { part: { $case: 'text', value: 'What is thïs?' } },
          ],
        },
      ],
      sampling: {
        ...{ temperature: 0.5, topP: 0.9, topK: 7, minP: 0.1, repetitionPenalty: 1.1 },
        ...{ presencePenalty: -1, frequencyPenalty: 1, logitBias: new Map([[5, -3]]), seed: -7n },
      },
      maxTokens: 12,
      stop: ['END'],
      choices: 2,
      logprobs: 3,
      grammar: { language: { $case: 'jsonSchema', value: '{}' } },
      priority: -4,
    }),
  ).finish(),
  '/eidetic.v1.ChatService/ListModels': new Uint8Array(),
  '/eidetic.v1.ImageService/Upload': UploadRequest.encode({ sizeBytes: 3, chunk: Uint8Array.of(1, 2, 3) }).finish(),
  '/eidetic.v1.ImageService/Encode': ImageServiceEncodeRequest.encode({
    image: { source: { $case: 'data', value: Uint8Array.of(1, 2, 3) } },
  }).finish(),
  '/grpc.health.v1.Health/Check': new Uint8Array(),
  '/grpc.reflection.v1.ServerReflection/ServerReflectionInfo': Uint8Array.of(0x3a, 0),
} as const;

type Path = keyof typeof METHODS;
const PATHS = Object.keys(METHODS) as Path[];

const bytes = fc.uint8Array({ maxLength: 200 });

/** Groups within groups, deeper than any stack. */
const NESTED = new Uint8Array(100_000).fill(0x0b);

const concat = (...parts: readonly Uint8Array[]): Uint8Array => new Uint8Array(Buffer.concat(parts));

/** The message with some of its bytes changed, doubled, left out or put in. */
const mutated = (valid: Uint8Array): fc.Arbitrary<Uint8Array> => {
  const place = fc.nat({ max: Math.max(valid.length, 1) });
  const change = fc.record({ at: place, length: fc.nat({ max: 8 }), other: fc.uint8Array({ maxLength: 8 }) });
  return fc
    .array(change, { minLength: 1, maxLength: 4 })
    .map((changes) =>
      changes.reduce(
        (whole, { at, length, other }) => concat(whole.subarray(0, at), other, whole.subarray(at + length)),
        valid,
      ),
    );
};

const payload = (valid: Uint8Array): fc.Arbitrary<Uint8Array> =>
  fc.oneof(
    { weight: 4, arbitrary: mutated(valid) },
    { weight: 2, arbitrary: bytes },
    { weight: 2, arbitrary: fc.constant(valid) },
    { weight: 1, arbitrary: fc.nat({ max: valid.length }).map((length) => valid.subarray(0, length)) },
    { weight: 1, arbitrary: bytes.map((rest) => concat(valid, rest)) },
    { weight: 1, arbitrary: fc.constant(NESTED) },
  );

/** What a frame says of its length, from what it is. */
const lengths = fc.oneof(
  { weight: 12, arbitrary: fc.constant((actual: number) => actual) },
  { weight: 1, arbitrary: fc.integer({ min: -3, max: 3 }).map((by) => (actual: number) => Math.max(0, actual + by)) },
  { weight: 1, arbitrary: fc.constantFrom(2 ** 25 + 1, 2 ** 31, 2 ** 32 - 1).map((length) => () => length) },
);

const COMPRESSIONS = {
  none: (content: Uint8Array) => content,
  gzip: (content: Uint8Array) => new Uint8Array(gzipSync(content)),
  deflate: (content: Uint8Array) => new Uint8Array(deflateSync(content)),
  'cut gzip': (content: Uint8Array) => new Uint8Array(gzipSync(content).subarray(0, -9)),
  bomb: () => BOMB,
} as const;
const SHOWN_BYTES = 200;
const BOMB = new Uint8Array(gzipSync(new Uint8Array(40 * 2 ** 20)));

interface Frame {
  readonly flag: number;
  readonly content: Uint8Array;
  readonly lengthOf: (actual: number) => number;
}

const frame = (valid: Uint8Array): fc.Arbitrary<Frame> =>
  fc
    .record({
      flag: fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, fc.constant(1), fc.constantFrom(2, 255)),
      compression: fc.oneof(
        { weight: 12, arbitrary: fc.constant('none' as const) },
        fc.constantFrom('gzip' as const, 'deflate' as const, 'cut gzip' as const),
        { weight: 1, arbitrary: fc.constant('none' as const) },
      ),
      bomb: fc.integer({ min: 0, max: 60 }).map((n) => n === 0),
      content: payload(valid),
      lengthOf: lengths,
    })
    .map(({ flag, compression, bomb, content, lengthOf }) => ({
      flag: bomb ? 1 : flag,
      content: COMPRESSIONS[bomb ? 'bomb' : compression](content),
      lengthOf,
    }));

const toBytes = ({ flag, content, lengthOf }: Frame): Uint8Array => {
  const head = Buffer.alloc(5);
  head.writeUInt8(flag, 0);
  head.writeUInt32BE(lengthOf(content.length), 1);
  return concat(head, content);
};

const usually = <T>(usual: T, ...others: readonly T[]): fc.Arbitrary<T> =>
  fc.oneof({ weight: 6, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary: fc.constantFrom(...others) });

/** Text that may stand in a header. */
const headerText = fc.string({ unit: fc.constantFrom(...' !"#$%&()*+,-./0129:;<=>?@AZ[]^_`az{|}~'), maxLength: 60 });

const TIMEOUTS = ['1S', '100m', '0n', '99999999H', '5', '-1S', 'S', '1x', '1e3m', '999999999S'] as const;
const READABLE_TIMEOUT = /\d{1,8}\s*[HMSmun]/;

const headers = fc.record({
  method: usually('POST', 'GET', 'PUT', 'OPTIONS'),
  type: usually(
    'application/grpc',
    'application/grpc+proto',
    'application/grpc+json',
    'application/json',
    'text/plain',
    '',
  ),
  path: fc.oneof(
    { weight: 12, arbitrary: fc.constant(undefined) },
    fc.constantFrom('/', '/eidetic.v1.ChatService/', '/eidetic.v1.ChatService/Nothing', '/a/b/c', '*', '/%00'),
  ),
  timeout: fc.oneof({ weight: 6, arbitrary: fc.constant(undefined) }, fc.constantFrom(...TIMEOUTS), headerText),
  encoding: usually<string | undefined>(undefined, 'identity', 'gzip', 'deflate', 'br', 'nonsense'),
  authorization: fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, fc.constant('Bearer k'), headerText),
  traceparent: usually<string | undefined>(undefined, 'x', `00-${'0'.repeat(32)}-${'1'.repeat(16)}-01`),
  binary: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, headerText),
});

/** Calls of every kind of wrongness, with good ones among them. */
export const malformedCall: fc.Arbitrary<RawCall> = fc.constantFrom(...PATHS).chain((path) =>
  fc
    .record({
      frames: fc.oneof(
        { weight: 8, arbitrary: fc.array(frame(METHODS[path]), { minLength: 1, maxLength: 1 }) },
        { weight: 2, arbitrary: fc.array(frame(METHODS[path]), { maxLength: 5 }) },
      ),
      cut: usually(1, 0.5, 0.9),
      pieces: fc.integer({ min: 1, max: 5 }),
      ending: usually<RawCall['ending']>('end', 'reset', 'hang up'),
      with: headers,
    })
    .map(({ frames, cut, pieces, ending, with: given }): RawCall => {
      const whole = concat(...frames.map(toBytes));
      const sent = whole.subarray(0, Math.ceil(whole.length * cut));
      const size = Math.max(1, Math.ceil(sent.length / pieces));
      const { method, type, timeout, encoding, authorization, traceparent, binary } = given;
      const call = {
        headers: {
          ':method': method,
          ':path': given.path ?? path,
          te: 'trailers',
          ...(type !== '' && { 'content-type': type }),
          ...(timeout !== undefined && { 'grpc-timeout': timeout }),
          ...(encoding !== undefined && { 'grpc-encoding': encoding }),
          ...(authorization !== undefined && { authorization }),
          ...(traceparent !== undefined && { traceparent }),
          ...(binary !== undefined && { 'x-odd-bin': binary }),
        },
        pieces: Array.from({ length: Math.ceil(sent.length / size) }, (_, i) =>
          sent.subarray(i * size, (i + 1) * size),
        ),
        ending,
        brokenTransport:
          (timeout !== undefined && !READABLE_TIMEOUT.test(timeout)) ||
          (['gzip', 'deflate'].includes(encoding ?? '') && frames.some(({ flag }) => flag === 1)),
      };
      const shown = Buffer.from(sent.subarray(0, SHOWN_BYTES)).toString('hex');
      return { ...call, [fc.toStringMethod]: () => `${JSON.stringify(call.headers)} ${shown}, ${ending}` };
    }),
);
