import { createClient, EideticApiError, type EideticClient, EideticConnectionError } from '@eidetic/client';
import { EideticError } from '@eidetic/core';
import { ServiceProcess } from '@eidetic/launcher';

/** A server to talk to; it ends with this, if it was started for it. */
export interface ReachedServer extends AsyncDisposable {
  readonly client: EideticClient;
}

/** Where a server is, and what one is started with. */
export interface ReachOptions {
  /** Undefined: the one at `localUrl` if it answers, or else one that is started. */
  readonly url: string | undefined;
  readonly localUrl: string;
  readonly apiKey: string | undefined;
  /** `EIDETIC_*` variables of a server that is started. */
  readonly settings: Readonly<Record<string, string>>;
  /** Receives a line whenever the start has come on. */
  readonly onProgress: (line: string) => void;
}

const PROBE_MS = 2000;

/** Of a server that nobody else is to reach, and that says nothing into the conversation. */
const OWN_SETTINGS = {
  EIDETIC_HTTP_PORT: '0',
  EIDETIC_HTTP_HOST: '127.0.0.1',
  EIDETIC_GRPC_PORT: '0',
  EIDETIC_LOG_LEVEL: 'silent',
};

/**
 * Finds a server, or starts one in the background where no address was given and nobody listens.
 *
 * @throws EideticError `unavailable` with what it said if it does not start, `cancelled`.
 */
export async function reachServer(options: ReachOptions, signal: AbortSignal): Promise<ReachedServer> {
  const { url, localUrl, apiKey } = options;
  const clientOf = (baseUrl: string) => createClient({ baseUrl, ...(apiKey !== undefined && { apiKey }) });
  const stays = { [Symbol.asyncDispose]: () => Promise.resolve() };
  if (url !== undefined) return { client: clientOf(url), ...stays };
  if (await answers(localUrl, apiKey, signal)) return { client: clientOf(localUrl), ...stays };
  const server = await startServer(options, signal);
  return { client: clientOf(server.http), [Symbol.asyncDispose]: () => server.kill() };
}

/** Whether an Eidetic server is there, whatever it thinks of the key. */
async function answers(baseUrl: string, apiKey: string | undefined, signal: AbortSignal): Promise<boolean> {
  try {
    const probe = { baseUrl, retries: 0, timeoutMs: PROBE_MS };
    await createClient(apiKey === undefined ? probe : { ...probe, apiKey }).models({ signal });
    return true;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof EideticConnectionError) return false;
    // It answers, if only with a refusal, which the chat will report.
    if (error instanceof EideticApiError) return true;
    throw error;
  }
}

async function startServer(
  { localUrl, settings, onProgress }: ReachOptions,
  signal: AbortSignal,
): Promise<ServiceProcess> {
  onProgress(`No server answers at ${localUrl}: starting one for this chat`);
  try {
    const all = { ...settings, ...OWN_SETTINGS };
    return await ServiceProcess.start('standalone', { settings: all, onLine: onProgress }, signal);
  } catch (cause) {
    if (signal.aborted) throw new EideticError('cancelled', 'The start was given up.', { cause });
    throw new EideticError('unavailable', cause instanceof Error ? cause.message : String(cause), { cause });
  }
}
