import { loadConfig } from '@eidetic/config';
import type { DecoderLoad, EmbeddingCache } from '@eidetic/core';
import { type Addresses, CONFIG_DEFINITION, createApp, loadDecoder } from '@eidetic/decoder';
import { createRemoteDecoder, type RemoteDecoder } from '@eidetic/decoder-rpc';
import { RpcChannel } from '@eidetic/rpc';
import { onTestFinished } from 'vitest';

/** A decoder service in this process, and a client of it. */
export interface DecoderService extends Addresses {
  readonly channel: RpcChannel;
  readonly remote: RemoteDecoder;
}

/** Serves the embedded checkpoint in its default precision until the test ends. */
export const startDecoderService = async (
  settings: Readonly<Record<string, string>> = {},
  sharedCache?: EmbeddingCache,
): Promise<DecoderService> => {
  const config = loadConfig(CONFIG_DEFINITION, {
    EIDETIC_GRPC_PORT: '0',
    EIDETIC_HTTP_PORT: '0',
    EIDETIC_LOG_LEVEL: 'silent',
    // Where the bundles of other tests are.
    EIDETIC_CACHE_DIR: '.cache/test-bundles',
    EIDETIC_THREADS: '1',
    ...settings,
  });
  const app = createApp(config, { loadDecoder, report: () => {}, ...(sharedCache && { sharedCache }) });
  onTestFinished(() => app.stop());
  const addresses = await app.start();
  const channel = new RpcChannel(addresses.grpc);
  onTestFinished(() => channel[Symbol.dispose]());
  return { ...addresses, channel, remote: await createRemoteDecoder(channel) };
};

/** Resolves as soon as the decoder says that its load is such. */
export const untilLoad = async (remote: RemoteDecoder, condition: (load: DecoderLoad) => boolean): Promise<void> => {
  for await (const load of remote.watchLoad(10)) if (condition(load)) return;
};

/** Nobody holds a slot or waits for one. */
export const idle = ({ running, waiting }: DecoderLoad): boolean => running === 0 && waiting === 0;
