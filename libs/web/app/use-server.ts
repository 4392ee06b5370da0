import { useEffect, useState } from 'react';
import { type Failure, toFailure } from './dialog/failure.ts';
import { connect, type Server } from './server.ts';

const KEY_STORAGE = 'eidetic.api-key';
const RETRY_MS = 2000;

/** The server and how things stand with it. */
export interface ServerState {
  readonly server: Server;
  /** The model that it serves; undefined as long as it has not answered. */
  readonly model: string | undefined;
  /** Why it has not answered. */
  readonly failure: Failure | undefined;
  readonly apiKey: string;
  /** Kept until the tab is closed: a key is no thing to leave behind on a machine. */
  readonly setApiKey: (key: string) => void;
}

/** Connects to the server that the page came from, and asks until it answers. */
export const useServer = (): ServerState => {
  const [apiKey, setKey] = useState(() => sessionStorage.getItem(KEY_STORAGE) ?? '');
  const [server] = useState(() => connect(new URL('.', location.href).href, apiKey));
  const [model, setModel] = useState<string>();
  const [failure, setFailure] = useState<Failure>();
  const setApiKey = (key: string): void => {
    sessionStorage.setItem(KEY_STORAGE, key);
    server.setApiKey(key);
    setKey(key);
  };
  // With another key it tries anew.
  useEffect(() => {
    if (model !== undefined) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let left = false;
    const attempt = async (): Promise<void> => {
      try {
        const name = await server.model();
        if (!left) setModel(name);
      } catch (reason) {
        if (left) return;
        const now = toFailure(reason);
        setFailure(now);
        if (now.code !== 'invalid_api_key') timer = setTimeout(() => void attempt(), now.retryAfterMs ?? RETRY_MS);
      }
    };
    void attempt();
    return () => {
      left = true;
      clearTimeout(timer);
    };
  }, [apiKey, model, server]);
  return { server, model, failure: model === undefined ? failure : undefined, apiKey, setApiKey };
};
