import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HealthDefinition, ServingStatus } from '@eidetic/proto';
import { expect, it } from 'vitest';
import { codesOf, goldenPicture, jobFor, startVisionService, variant } from '../support/vision-service.ts';

const BUF = join(import.meta.dirname, '../../node_modules/.bin/buf');

it('says over gRPC and HTTP that it serves, and what', async () => {
  const { channel, http, remote } = await startVisionService();
  for (const service of ['', 'eidetic.v1.VisionService']) {
    expect(await channel.unary(HealthDefinition, 'check', { service })).toEqual({ status: ServingStatus.SERVING });
  }
  expect((await fetch(`${http}/readyz`)).status).toBe(200);
  expect(remote.model).toEqual({
    name: 'qwen-vl-nano-chat',
    fingerprint: expect.stringMatching(/^[0-9a-f]+$/),
    tokensPerImage: 64,
    hidden: 320,
    maxImages: 256,
  });
});

it('says NOT_SERVING when a tiny picture takes too long, until a picture is encoded', async () => {
  const settings = { EIDETIC_PROBE_IDLE: '200ms', EIDETIC_PROBE_LIMIT: '1ms', EIDETIC_LOG_LEVEL: 'silent' };
  const { channel, remote } = await startVisionService(settings);
  const statuses = channel.stream(HealthDefinition, 'watch', { service: '' });
  const until = async (wanted: number): Promise<void> => {
    for (let next = await statuses.next(); next.value?.status !== wanted; next = await statuses.next()) {
      if (next.done) throw new Error(`The service never said ${wanted}.`);
    }
  };
  await until(ServingStatus.NOT_SERVING);
  const picture = await goldenPicture('17-ground-1.png');
  const serving = until(ServingStatus.SERVING);
  expect(codesOf(await remote.encode([jobFor(remote, variant(picture, 1))]))).toEqual(['ok']);
  await serving;
});

it('can be called by a client that has no schema, with fields by their names', async () => {
  const { grpc, remote } = await startVisionService();
  const { bytes, ...job } = jobFor(remote, await goldenPicture('17-ground-1.png'));
  const message = { images: [{ ...job, data: Buffer.from(bytes).toString('base64') }], returnEmbeddings: true };
  const address = `http://${grpc}/eidetic.v1.VisionService/Encode`;
  const flags = ['--protocol', 'grpc', '--http2-prior-knowledge', '-d', JSON.stringify(message)];
  const { stdout } = await promisify(execFile)(BUF, ['curl', ...flags, address]);
  expect(JSON.parse(stdout)).toMatchObject({
    outcomes: [{ encoded: { key: job.key, tokens: 64, hidden: 320, imageWidth: 224, imageHeight: 224 } }],
  });
});
