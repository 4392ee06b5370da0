import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { Client, compressionAlgorithms, credentials, type ServiceError } from '@grpc/grpc-js';
import { expect, it, onTestFinished } from 'vitest';
import { serveToy } from './toy-service.ts';

/** Asks with grpc-js itself, compressing requests. */
const ask = async (address: string, question: string) => {
  const client = new Client(address, credentials.createInsecure(), {
    'grpc.default_compression_algorithm': compressionAlgorithms.gzip,
  });
  onTestFinished(() => client.close());
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  client.makeUnaryRequest(
    '/test.ToyService/Ask',
    (text: string) => Buffer.from(JSON.stringify(text)),
    (bytes) => JSON.parse(bytes.toString()) as string,
    question,
    (error: ServiceError | null, answer?: string) => (error ? reject(error) : resolve(answer ?? '')),
  );
  return promise;
};

it('takes requests that the client compresses with gzip', async () => {
  const { address } = await serveToy();
  const question = randomBytes(1000).toString('base64').repeat(100);
  expect(await ask(address, question)).toBe(`${question}!`);
});

it('refuses what is larger than a message once it is unpacked', async () => {
  const { address, ended } = await serveToy();
  const bomb = 'x'.repeat(33 * 2 ** 20);
  expect(gzipSync(bomb).length).toBeLessThan(100_000);
  await expect(ask(address, bomb)).rejects.toMatchObject({ code: 8 });
  expect(ended).toEqual([]);
});
