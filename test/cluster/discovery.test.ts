import { freePorts, ServiceProcess } from '@eidetic/launcher';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { complete } from '../support/chat-client.ts';
import { startCluster, startGateway, sumOf, type WatchedCluster } from '../support/clusters.ts';

const SOON = { timeout: 30_000, interval: 50 };
const QUESTION = { messages: [{ role: 'user', content: 'Who are you?' }], temperature: 0 };

let watched: WatchedCluster;

beforeAll(async () => {
  watched = await startCluster({ gateways: 1, visionEncoders: 1, decoders: 1 });
});

afterAll(() => watched[Symbol.asyncDispose]());

const finished = (decoder: ServiceProcess): Promise<number> =>
  sumOf([decoder], 'eidetic_engine_requests_finished_total');

it('finds decoders by a name, whichever of its addresses they listen on', async () => {
  const { cluster } = watched;
  const port = cluster.decoders[0]?.grpc.split(':').at(-1);
  const gateway = await startGateway(cluster, { EIDETIC_DECODERS: `dns:///localhost:${port}` });
  const answer = await complete(gateway.http, QUESTION);
  expect(answer.choices).toEqual((await complete(cluster.gateways[0]?.http ?? '', QUESTION)).choices);
});

it('finds a decoder that starts after the gateway, and goes on with it alone', async () => {
  const { cluster } = watched;
  const [early] = cluster.decoders;
  const [port] = await freePorts(1);
  const gateway = await startGateway(cluster, { EIDETIC_DECODERS: `${early?.grpc},127.0.0.1:${port}` });
  const answer = await complete(gateway.http, QUESTION);
  const late = await ServiceProcess.start('decoder', {
    settings: {
      EIDETIC_THREADS: '1',
      EIDETIC_CACHE_DIR: '.cache/test-bundles',
      EIDETIC_HTTP_PORT: '0',
      EIDETIC_GRPC_PORT: String(port),
    },
  });
  onTestFinished(() => late.kill());
  const before = await finished(late);
  await early?.kill();
  expect((await complete(gateway.http, QUESTION)).choices).toEqual(answer.choices);
  await expect.poll(() => finished(late), SOON).toBeGreaterThan(before);
  expect(watched.troubles()).toEqual([]);
});
