import { type ChatEvent, type ChatRequest, createClient } from '@eidetic/client';

/** The server that this page came from. */
export interface Server {
  /** From now on sent with every request; empty for none. */
  readonly setApiKey: (key: string) => void;
  /** The name of the model that it serves. */
  readonly model: () => Promise<string>;
  readonly ask: (request: ChatRequest, signal: AbortSignal) => AsyncIterable<ChatEvent>;
}

/**
 * Connects to a server. Nothing is tried twice: the page shows what goes wrong, and when it tries again.
 *
 * @param baseUrl the folder that `v1` is in.
 */
export const connect = (baseUrl: string, apiKey: string): Server => {
  const clientWith = (key: string) => createClient({ baseUrl, retries: 0, ...(key !== '' && { apiKey: key }) });
  let client = clientWith(apiKey);
  return {
    setApiKey(key) {
      client = clientWith(key);
    },
    async model() {
      const [model] = await client.models();
      return model?.id ?? '';
    },
    ask: (request, signal) => client.streamChat(request, { signal }),
  };
};
