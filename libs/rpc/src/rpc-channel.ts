import { once } from 'node:events';
import { EideticError } from '@eidetic/core';
import {
  Client,
  type ClientWritableStream,
  type CallOptions as GrpcCallOptions,
  Metadata,
  type ServiceError,
} from '@grpc/grpc-js';
import { errorOf } from './error-status.ts';
import { type Method, pathOf, type RequestOf, type ResponseOf, type Service, serialize } from './service.ts';
import { SHARED_OPTIONS, TRACEPARENT } from './settings.ts';
import { type ChannelTls, channelCredentials } from './tls.ts';

/** How long a call may go on, and what it is for. */
export interface CallOptions {
  /** Aborting cancels the call, on the server as well. */
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds since 1970 after which the call ends with `deadline_exceeded`, here and on the server. */
  readonly deadlineMs?: number | undefined;
  /** Trace context (W3C), for the server. */
  readonly traceparent?: string | undefined;
  /** API key, for the server. */
  readonly apiKey?: string | undefined;
}

type Names<S extends Service> = keyof S['methods'] & string;

const grpcOptions = ({ deadlineMs }: CallOptions): GrpcCallOptions =>
  deadlineMs === undefined ? {} : { deadline: deadlineMs };

const metadataOf = ({ traceparent, apiKey }: CallOptions): Metadata => {
  const metadata = new Metadata();
  if (traceparent !== undefined) metadata.set(TRACEPARENT, traceparent);
  if (apiKey !== undefined) metadata.set('authorization', `Bearer ${apiKey}`);
  return metadata;
};

const methodOf = (service: Service, name: string) => service.methods[name] as Method<unknown, unknown>;

/** The bytes of a request, or the error that says what is wrong with it: a message that cannot be written. */
const requestBytes = ({ requestType }: Method<unknown, unknown>, request: unknown): Buffer => {
  try {
    return serialize(requestType, request);
  } catch (cause) {
    throw new EideticError('invalid_request', `The request cannot be sent: ${cause}`, { cause });
  }
};

const asIs = (bytes: Buffer): Buffer => bytes;

type Callback = (error: ServiceError | null, response: unknown) => void;

/** What a call is answered with, that `start` begins; `fail` ends it with an error of this side. */
const answerOf = async <Response>(
  { signal }: CallOptions,
  start: (callback: Callback, fail: (reason: unknown) => void) => { cancel(): void },
): Promise<Response> => {
  if (signal?.aborted) throw EideticError.from(signal.reason);
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const call = start((error, response) => (error ? reject(error) : resolve(response)), reject);
  const cancel = (): void => call.cancel();
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    return (await promise) as Response;
  } catch (error) {
    throw signal?.aborted ? EideticError.from(signal.reason) : errorOf(error);
  } finally {
    signal?.removeEventListener('abort', cancel);
  }
};

/** Writes messages until the last one, or until the call is `done`. */
const writeAll = async (
  call: ClientWritableStream<Buffer>,
  method: Method<unknown, unknown>,
  requests: AsyncIterable<unknown> | Iterable<unknown>,
  done: AbortSignal,
): Promise<void> => {
  for await (const request of requests) {
    if (done.aborted) return;
    if (call.write(requestBytes(method, request))) continue;
    await once(call, 'drain', { signal: done }).catch(() => undefined);
  }
  call.end();
};

/**
 * Connections to a server, made when first needed and again when lost; no proxy is asked. Calls throw the error that the server
 * threw, its code and details included; `unavailable` when it cannot be reached or is lost.
 */
export class RpcChannel implements Disposable {
  readonly #client: Client;

  /**
   * @param target `host:port`, or another name that gRPC resolves, such as `dns:///decoder:9090`.
   * @param tls absent: nothing is encrypted.
   */
  constructor(target: string, { tls }: { readonly tls?: ChannelTls | undefined } = {}) {
    this.#client = new Client(target, channelCredentials(tls), {
      ...SHARED_OPTIONS,
      ...(tls?.serverName !== undefined && { 'grpc.ssl_target_name_override': tls.serverName }),
      // HTTP_PROXY is for the way out of a cluster.
      'grpc.enable_http_proxy': 0,
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 5000,
    });
  }

  /** Calls a method that takes one message and answers once. */
  unary<S extends Service, N extends Names<S>>(
    service: S,
    name: N,
    request: RequestOf<S['methods'][N]>,
    options: CallOptions = {},
  ): Promise<ResponseOf<S['methods'][N]>> {
    const method = methodOf(service, name);
    return answerOf<ResponseOf<S['methods'][N]>>(options, (callback) =>
      this.#client.makeUnaryRequest(
        pathOf(service, method),
        asIs,
        (bytes) => method.responseType.decode(bytes),
        requestBytes(method, request),
        metadataOf(options),
        grpcOptions(options),
        callback,
      ),
    );
  }

  /**
   * Calls a method that takes a stream and answers once. Messages are asked for as the server takes them; an answer before the last of
   * them leaves the rest.
   */
  upload<S extends Service, N extends Names<S>>(
    service: S,
    name: N,
    requests: AsyncIterable<RequestOf<S['methods'][N]>> | Iterable<RequestOf<S['methods'][N]>>,
    options: CallOptions = {},
  ): Promise<ResponseOf<S['methods'][N]>> {
    const method = methodOf(service, name);
    const done = new AbortController();
    return answerOf<ResponseOf<S['methods'][N]>>(options, (callback, fail) => {
      const call = this.#client.makeClientStreamRequest(
        pathOf(service, method),
        asIs,
        (bytes) => method.responseType.decode(bytes),
        metadataOf(options),
        grpcOptions(options),
        (error, response) => {
          done.abort();
          callback(error, response);
        },
      );
      writeAll(call, method, requests, done.signal).catch((reason) => {
        fail(reason);
        call.cancel();
      });
      return call;
    });
  }

  /** Calls a method that answers with a stream; leaving the iteration cancels the call. */
  async *stream<S extends Service, N extends Names<S>>(
    service: S,
    name: N,
    request: RequestOf<S['methods'][N]>,
    options: CallOptions = {},
  ): AsyncGenerator<ResponseOf<S['methods'][N]>, void, undefined> {
    const { signal } = options;
    if (signal?.aborted) throw EideticError.from(signal.reason);
    const method = methodOf(service, name);
    const call = this.#client.makeServerStreamRequest(
      pathOf(service, method),
      asIs,
      (bytes) => method.responseType.decode(bytes),
      requestBytes(method, request),
      metadataOf(options),
      grpcOptions(options),
    );
    // Cancelling is answered with an error, which nobody may be waiting for any more.
    call.on('error', () => {});
    const cancel = (): void => call.cancel();
    signal?.addEventListener('abort', cancel, { once: true });
    try {
      for await (const message of call) {
        signal?.throwIfAborted();
        yield message as ResponseOf<S['methods'][N]>;
      }
    } catch (error) {
      throw signal?.aborted ? EideticError.from(signal.reason) : errorOf(error);
    } finally {
      signal?.removeEventListener('abort', cancel);
      call.cancel();
    }
  }

  /** Ends every call and connection. */
  [Symbol.dispose](): void {
    this.#client.close();
  }
}
