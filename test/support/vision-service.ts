import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { loadConfig } from '@eidetic/config';
import { embeddingKey, SHARED_SCOPE } from '@eidetic/core';
import { RpcChannel } from '@eidetic/rpc';
import { createRemoteVision, type PictureResult, type RemoteVision, type VisionLoad } from '@eidetic/vision-rpc';
import { type Addresses, CONFIG_DEFINITION, createApp, loadVision } from '@eidetic/vision-service';
import { onTestFinished } from 'vitest';
import { GOLDENS_DIRECTORY } from './goldens.ts';

/** A vision service in this process, and a client of it. */
export interface VisionService extends Addresses {
  readonly channel: RpcChannel;
  readonly remote: RemoteVision;
}

/** A client of a vision service; it leaves when the test ends. */
export const connectVision = async (address: string): Promise<{ channel: RpcChannel; remote: RemoteVision }> => {
  const channel = new RpcChannel(address);
  onTestFinished(() => channel[Symbol.dispose]());
  return { channel, remote: await createRemoteVision(channel) };
};

/** Serves the vision graph of the embedded checkpoint until the test ends. */
export const startVisionService = async (settings: Readonly<Record<string, string>> = {}): Promise<VisionService> => {
  const config = loadConfig(CONFIG_DEFINITION, {
    EIDETIC_GRPC_PORT: '0',
    EIDETIC_HTTP_PORT: '0',
    EIDETIC_LOG_LEVEL: 'silent',
    // Where the bundles of other tests are.
    EIDETIC_CACHE_DIR: '.cache/test-bundles',
    EIDETIC_THREADS: '1',
    ...settings,
  });
  const app = createApp(config, { loadVision, report: () => {} });
  onTestFinished(() => app.stop());
  const addresses = await app.start();
  return { ...addresses, ...(await connectVision(addresses.grpc)) };
};

/** One of the pictures of the goldens. */
export const goldenPicture = (name: string): Promise<Buffer> => readFile(join(GOLDENS_DIRECTORY, 'images', name));

/** The same picture under another id, for whatever reads a PNG stops at its end. `padding` is at least 2 bytes. */
export const variant = (png: Uint8Array, number: number, padding = 2): Buffer => {
  const tail = Buffer.alloc(padding);
  tail.writeUInt16LE(number);
  return Buffer.concat([png, tail]);
};

/** A picture as a job for this encoder. */
export const jobFor = ({ model }: RemoteVision, bytes: Uint8Array) => {
  const imageId = hash('sha256', bytes, 'hex');
  return { key: embeddingKey(SHARED_SCOPE, model.fingerprint, imageId), imageId, scope: SHARED_SCOPE, bytes };
};

/** `ok`, or the code of the error, for each. */
export const codesOf = (results: readonly PictureResult[]): string[] =>
  results.map((result) => (result.ok ? 'ok' : result.error.code));

/** The value of each series of a service's metrics, by its name with labels. */
export const metricsOf = async ({ http }: { readonly http: string }): Promise<(series: string) => number> => {
  const text = await (await fetch(`${http}/metrics`)).text();
  const lines = text.split('\n').filter((line) => !line.startsWith('#'));
  const values = new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.slice(line.lastIndexOf(' ')))]),
  );
  return (series) => values.get(series) ?? Number.NaN;
};

/** Resolves as soon as the encoder says that its load is such. */
export const untilLoad = async (remote: RemoteVision, condition: (load: VisionLoad) => boolean): Promise<void> => {
  for await (const load of remote.watchLoad(10)) if (condition(load)) return;
};

/** There is no picture. */
export const idle = ({ running, waiting }: VisionLoad): boolean => running + waiting === 0;
