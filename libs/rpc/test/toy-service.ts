import { readDescriptors } from '@eidetic/proto';
import { onTestFinished } from 'vitest';
import { type EndedCall, type Handlers, implement, RpcChannel, RpcServer } from '../src/index.ts';

/** Messages as JSON: what a message is does not matter to the transport. */
const json = <T>() => ({
  encode: (message: T) => ({ finish: (): Uint8Array => Buffer.from(JSON.stringify(message)) }),
  decode: (bytes: Uint8Array): T => JSON.parse(Buffer.from(bytes).toString()) as T,
});

/** A service with a method of each kind. */
export const TOY = {
  fullName: 'test.ToyService',
  methods: {
    ask: {
      name: 'Ask',
      requestType: json<string>(),
      requestStream: false,
      responseType: json<string>(),
      responseStream: false,
    },
    count: {
      name: 'Count',
      requestType: json<number>(),
      requestStream: false,
      responseType: json<number | string>(),
      responseStream: true,
    },
    join: {
      name: 'Join',
      requestType: json<string>(),
      requestStream: true,
      responseType: json<string>(),
      responseStream: false,
    },
  },
} as const;

type ToyHandlers = Handlers<typeof TOY>;

const COUNTING: ToyHandlers = {
  ask: async (question) => `${question}!`,
  async *count(to) {
    for (let i = 0; i < to; i++) yield i;
  },
  join: async (words) => (await collect(words)).join(' '),
};

/** A server that counts, unless `handlers` say something else, and a channel to it; both end with the test. */
export const serveToy = async (
  handlers: Partial<ToyHandlers> = {},
  options: { readonly maxConnectionAgeMs?: number; readonly maxArrivalMs?: number } = {},
) => {
  const ended: EndedCall[] = [];
  const server = new RpcServer({
    services: [implement(TOY, { ...COUNTING, ...handlers })],
    descriptors: readDescriptors(),
    maxConnectionAgeMs: 3_600_000,
    onEnd: (call) => ended.push(call),
    ...options,
  });
  onTestFinished(() => server.stop());
  const address = await server.listen({ host: '127.0.0.1', port: 0, settings: 'PORT' });
  const channel = new RpcChannel(address);
  onTestFinished(() => channel[Symbol.dispose]());
  return { server, address, channel, ended };
};

/** Everything that comes. */
export const collect = async <T>(messages: AsyncIterable<T>): Promise<T[]> => {
  const all: T[] = [];
  for await (const message of messages) all.push(message);
  return all;
};
