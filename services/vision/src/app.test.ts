import { loadConfig } from '@eidetic/config';
import { EideticError, type EncodeResult, type VisionEncoder } from '@eidetic/core';
import { HealthDefinition, ServingStatus } from '@eidetic/proto';
import { RpcChannel } from '@eidetic/rpc';
import { createRemoteVision, type ServedVision } from '@eidetic/vision-rpc';
import { expect, it, onTestFinished } from 'vitest';
import { createApp } from './app.ts';
import { CONFIG_DEFINITION } from './config.ts';
import { EncodeProbe } from './encode-probe.ts';
import { encodeTinyPicture } from './tiny-picture.ts';

const embedding = { data: Float32Array.of(1), tokens: 1, hidden: 1, imageWidth: 1, imageHeight: 1 };
const timings = { decodeMs: 0, preprocessMs: 0, encodeMs: 0, encodeShareMs: 0 };

/** A vision encoder whose graph fails for as long as it is told to. */
class FailingEncoder implements VisionEncoder {
  readonly fingerprint = 'f';
  readonly tokensPerImage = 1;
  failing = false;

  async encode(images: readonly Uint8Array[]): Promise<readonly EncodeResult[]> {
    if (this.failing) {
      return images.map(() => ({ ok: false, error: new EideticError('inference_failed', 'The device is lost.') }));
    }
    return images.map(() => ({ ok: true, embedding, timings }));
  }
}

const served: ServedVision = {
  model: { name: 'nano', fingerprint: 'f', tokensPerImage: 1, hidden: 1, maxImages: 8 },
  load: () => ({ running: 2, waiting: 1, maxBatch: 8 }),
  encode: () => Promise.reject(new EideticError('internal', 'Nobody encodes here.')),
  onOutcome: () => {},
};

/** A started service over an encoder that may fail; `idle` lets its idle time pass. */
const setUp = async () => {
  const encoder = new FailingEncoder();
  let wake = (): void => {};
  const env = { EIDETIC_GRPC_PORT: '0', EIDETIC_HTTP_PORT: '0', EIDETIC_LOG_LEVEL: 'silent' };
  const config = loadConfig(CONFIG_DEFINITION, env);
  const app = createApp(config, {
    report: () => {},
    async loadVision(_, { onTrouble }) {
      const probe = new EncodeProbe({
        encode: (signal) => encodeTinyPicture(encoder, signal),
        idleMs: 1,
        limitMs: 2,
        onTrouble,
        after(delayMs, run) {
          if (delayMs === 1) wake = run;
          return () => {};
        },
      });
      return { served, release: async () => probe[Symbol.dispose]() };
    },
  });
  onTestFinished(() => app.stop());
  const { grpc, http } = await app.start();
  const channel = new RpcChannel(grpc);
  onTestFinished(() => channel[Symbol.dispose]());
  const idle = async (): Promise<void> => {
    wake();
    await new Promise(setImmediate);
  };
  return { encoder, channel, http, idle };
};

it('says NOT_SERVING from the first probe that fails to the first that succeeds, and why', async () => {
  const { encoder, channel, http, idle } = await setUp();
  const health = async () => {
    const { status } = await channel.unary(HealthDefinition, 'check', { service: 'eidetic.v1.VisionService' });
    const readiness = await fetch(`${http}/readyz`);
    return [status, readiness.status, await readiness.json()];
  };
  await idle();
  expect(await health()).toEqual([ServingStatus.SERVING, 200, { status: 'ready' }]);
  encoder.failing = true;
  await idle();
  await idle();
  expect(await health()).toEqual([ServingStatus.NOT_SERVING, 503, { status: 'failing: The device is lost.' }]);
  encoder.failing = false;
  await idle();
  expect(await health()).toEqual([ServingStatus.SERVING, 200, { status: 'ready' }]);
});

it('answers calls while it is in trouble', async () => {
  const { encoder, channel, idle } = await setUp();
  encoder.failing = true;
  await idle();
  expect(await createRemoteVision(channel)).toMatchObject({ model: { fingerprint: 'f' } });
});

it('tells its load in its metrics', async () => {
  const { http } = await setUp();
  const metrics = await (await fetch(`${http}/metrics`)).text();
  expect(metrics).toMatch(/^eidetic_vision_images_running 2$/m);
  expect(metrics).toMatch(/^eidetic_vision_images_waiting 1$/m);
});
