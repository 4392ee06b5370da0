import { once } from 'node:events';
import { cp, mkdtemp, open, rm, unlink } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { convertCheckpoint, DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { freePorts, RedisServer, type RedisServerOptions } from '@eidetic/launcher';
import { readDescriptors } from '@eidetic/proto';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { RpcServer } from '@eidetic/rpc';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { eidetic } from '../test/eidetic.ts';
import type { Finding } from './doctor/finding.ts';

let folder: string;
let ports: Readonly<Record<string, string>>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-doctor-'));
  const [http, grpc] = await freePorts(2);
  ports = { EIDETIC_HTTP_PORT: String(http), EIDETIC_GRPC_PORT: String(grpc) };
  await convertCheckpoint({
    checkpointDirectory: join(import.meta.dirname, '../../../models/qwen-vl-nano-chat'),
    bundleDirectory: join(folder, 'bundle'),
    family: qwenVlExport,
    precisions: DEFAULT_PRECISIONS,
    activations: 'float32',
  });
});
afterAll(() => rm(folder, { recursive: true }));

/** What the doctor finds, by check. */
async function examine(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const { status, stdout } = await eidetic(['doctor', '--json', ...args], { env: { ...ports, ...env } });
  const { findings } = JSON.parse(stdout) as { findings: readonly Finding[] };
  return { status, of: (check: string) => findings.find((finding) => finding.check === check) };
}

const startRedis = async (options: RedisServerOptions): Promise<string> => {
  const redis = await RedisServer.start(options);
  onTestFinished(() => redis[Symbol.asyncDispose]());
  return redis.url;
};

it('finds a machine well, one line for each check', async () => {
  const { status, stdout } = await eidetic(['doctor', join(folder, 'bundle'), '--deep'], { env: ports });
  expect(stdout).toMatch(/^ok {7}Node\.js: v24/m);
  expect(stdout).toMatch(/^ok {7}onnxruntime: 1\.\S+ \(\/.*libonnxruntime/m);
  expect(stdout).toMatch(/^ok {7}model: qwen-vl-nano-chat .*: every checksum is right$/m);
  expect(stdout).toMatch(/^ok {7}disk: a bundle is served; .* free in \//m);
  expect(stdout).toMatch(/^(ok|warning ) +memory: up to .* needed/m);
  expect(stdout).not.toMatch(/^problem/m);
  expect(status).toBe(0);
});

it('finds a file of the bundle that is cut off, and with --deep one that has another byte', async () => {
  const broken = join(folder, 'broken');
  await cp(join(folder, 'bundle'), broken, { recursive: true });
  const file = await open(join(broken, 'decoder.data'), 'r+');
  await file.write(Buffer.from([255]), 0, 1, 5000);
  await file.close();
  expect((await examine([broken])).of('model')).toMatchObject({ verdict: 'ok' });
  const deep = await examine([broken, '--deep']);
  expect(deep.status).toBe(1);
  expect(deep.of('model')).toMatchObject({ verdict: 'problem', message: expect.stringContaining('has sha256') });
  await unlink(join(broken, 'vision.onnx'));
  expect((await examine([broken])).of('model')).toMatchObject({
    verdict: 'problem',
    message: expect.stringContaining('vision.onnx is missing'),
    remedy: expect.stringContaining('eidetic convert'),
  });
});

it('finds a context that is longer than the model has positions', async () => {
  const { status, of } = await examine([join(folder, 'bundle')], { EIDETIC_MAX_CONTEXT: '1000000' });
  expect(status).toBe(1);
  expect(of('context')).toMatchObject({
    verdict: 'problem',
    message: expect.stringMatching(/^EIDETIC_MAX_CONTEXT: .* positions, and 1000000 are asked for/),
  });
});

it('finds that there is no model', async () => {
  const { status, of } = await examine([join(folder, 'none')]);
  expect(status).toBe(1);
  expect(of('model')).toMatchObject({ verdict: 'problem', message: expect.stringContaining(join(folder, 'none')) });
});

it('tells a Redis that is set up for its role from one that is not', async () => {
  const queue = await startRedis({ appendonly: true, maxmemoryPolicy: 'noeviction' });
  const cache = await startRedis({ maxmemory: '16mb', maxmemoryPolicy: 'allkeys-lfu' });
  const right = await examine(['--queue-redis', queue, '--cache-redis', cache]);
  expect(right.of('queue Redis')).toMatchObject({ verdict: 'ok' });
  expect(right.of('cache Redis')).toMatchObject({ verdict: 'ok' });
  expect(right.of('clock')).toMatchObject({ message: expect.stringContaining('Redis agrees') });

  const swapped = await examine([], { EIDETIC_QUEUE_REDIS_URL: cache, EIDETIC_CACHE_REDIS_URL: queue });
  expect(swapped.status).toBe(1);
  expect(swapped.of('queue Redis')).toMatchObject({
    verdict: 'problem',
    message: expect.stringContaining('maxmemory-policy is allkeys-lfu'),
    remedy: expect.stringContaining('CONFIG SET maxmemory-policy noeviction'),
  });
  expect(swapped.of('cache Redis')).toMatchObject({
    verdict: 'warning',
    message: expect.stringContaining('maxmemory is not set'),
  });

  const same = await examine(['--queue-redis', queue, '--cache-redis', queue]);
  expect(same.of('Redis')).toMatchObject({ verdict: 'problem', message: expect.stringContaining('on the same one') });
});

it('finds a Redis that is not there, and keeps its password to itself', async () => {
  const { status, of } = await examine(['--queue-redis', 'redis://me:secret@127.0.0.1:1']);
  expect(status).toBe(1);
  expect(of('queue Redis')).toMatchObject({
    verdict: 'problem',
    message: expect.stringMatching(/^redis:\/\/127\.0\.0\.1:1 cannot be used \(.*ECONNREFUSED/),
  });
  expect(JSON.stringify(of('queue Redis'))).not.toContain('secret');
});

it('finds a port that another program has', async () => {
  const other = createServer((socket) => socket.end('hello\n'));
  await once(other.listen(0, '127.0.0.1'), 'listening');
  onTestFinished(() => void other.close());
  const { port } = other.address() as AddressInfo;
  const { status, of } = await examine(['--port', String(port)]);
  expect(status).toBe(1);
  expect(of(`port ${port}`)).toMatchObject({ verdict: 'problem', message: expect.stringContaining('another program') });
});

it('asks decoders and vision encoders whether they serve', async () => {
  const server = new RpcServer({
    services: [],
    descriptors: readDescriptors(),
    maxConnectionAgeMs: 60_000,
    onEnd: () => {},
  });
  onTestFinished(() => server.stop());
  const address = await server.listen({ host: '127.0.0.1', port: 0, settings: 'none' });
  expect((await examine(['--decoders', address])).of('decoder')).toMatchObject({ verdict: 'warning' });
  server.setServing(true);
  expect((await examine(['--decoders', address])).of('decoder')).toEqual({
    check: 'decoder',
    verdict: 'ok',
    message: `${address} answers`,
  });
  const { status, of } = await examine(['--decoders', '127.0.0.1:1', '--vision', 'nonsense']);
  expect(status).toBe(1);
  expect(of('decoder')).toMatchObject({
    verdict: 'problem',
    message: expect.stringContaining('127.0.0.1:1 does not answer'),
  });
  expect(of('vision encoder')).toMatchObject({
    verdict: 'problem',
    message: expect.stringContaining('names no service'),
  });
});

it('refuses settings and arguments that are wrong', async () => {
  expect((await eidetic(['doctor'], { env: { EIDETIC_SLOTS: 'many' } })).status).toBe(1);
  expect((await eidetic(['doctor', '--depp'])).stderr).toMatch(/no option --depp; did you mean --deep\?/);
});
