import { HealthDefinition, ServingStatus } from '@eidetic/proto';
import { expect, it } from 'vitest';
import { startRpcProcess } from '../support/rpc-process.ts';
import { codesOf, connectVision, goldenPicture, jobFor, untilLoad, variant } from '../support/vision-service.ts';

/** A call that takes a while: many pictures, one thread that decodes. */
const SLOW = { EIDETIC_IMAGE_THREADS: '1', EIDETIC_VISION_BATCH: '1', EIDETIC_MAX_PICTURES: '256' };
const PICTURES = 60;

const begin = async (settings: Readonly<Record<string, string>> = {}) => {
  const process = await startRpcProcess('vision', { ...SLOW, ...settings });
  const { remote, channel } = await connectVision(process.grpc);
  const wide = await goldenPicture('wide.png');
  const running = remote.encode(Array.from({ length: PICTURES }, (_, i) => jobFor(remote, variant(wide, i))));
  await untilLoad(remote, ({ waiting }) => waiting > 0);
  return { ...process, remote, channel, running, more: [jobFor(remote, wide)] };
};

it('on SIGTERM finishes the running call, refuses new ones, and exits with 0', async () => {
  const { child, said, remote, running, more, exited } = await begin();
  child.kill('SIGTERM');
  await said(/Finishing the running answers/);
  expect(codesOf(await remote.encode(more))).toEqual(['unavailable']);
  expect(codesOf(await running)).toEqual(Array(PICTURES).fill('ok'));
  expect(await exited).toBe(0);
});

it('ends calls that outlast the drain limit with `unavailable`', async () => {
  const { child, running, exited } = await begin({ EIDETIC_DRAIN_LIMIT: '1ms' });
  child.kill('SIGTERM');
  expect(new Set(codesOf(await running))).toEqual(new Set(['unavailable']));
  expect(await exited).toBe(0);
});

it('leaves its callers with `unavailable`, and not without an answer, when it is killed', async () => {
  const { child, remote, running, more, exited } = await begin();
  child.kill('SIGKILL');
  expect(new Set(codesOf(await running))).toEqual(new Set(['unavailable']));
  await exited;
  expect(codesOf(await remote.encode(more))).toEqual(['unavailable']);
});

it('asks itself while nobody else does, and goes on serving', async () => {
  const { grpc, http } = await startRpcProcess('vision', { EIDETIC_PROBE_IDLE: '1ms' });
  const { channel } = await connectVision(grpc);
  const runs = async (): Promise<number> => {
    const text = await (await fetch(`${http}/metrics`)).text();
    return Number(/^eidetic_vision_batch_images_count (\d+)$/m.exec(text)?.[1]);
  };
  while ((await runs()) < 5);
  for (const service of ['', 'eidetic.v1.VisionService']) {
    expect(await channel.unary(HealthDefinition, 'check', { service })).toEqual({ status: ServingStatus.SERVING });
  }
});
