import { type EventEmitter, once } from 'node:events';
import { EideticError, type ErrorCode, toTraceparent } from '@eidetic/core';
import type {
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceDefinition,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import type { CallContext } from './call-context.ts';
import { statusOf } from './error-status.ts';
import type { RunningCalls } from './running-calls.ts';
import { grpcDefinition, type Method, pathOf, type RequestOf, type ResponseOf, type Service } from './service.ts';
import { TRACEPARENT } from './settings.ts';

/**
 * What a handler gets: a message, or a stream of them, which throws when the call ends early. Clients on Node.js that leave first end their
 * stream as if it were complete, and then cancel the call: messages must tell by themselves whether all of them have come.
 */
type Input<M extends Method<unknown, unknown>> = M['requestStream'] extends true
  ? AsyncIterable<RequestOf<M>>
  : RequestOf<M>;

/** What a handler gives: a message, or a stream of them, which is left when the call ends early. */
type Output<M extends Method<unknown, unknown>> = M['responseStream'] extends true
  ? AsyncIterable<ResponseOf<M>>
  : Promise<ResponseOf<M>>;

/** One function for each method. */
export type Handlers<S extends Service> = {
  readonly [K in keyof S['methods']]: (
    request: Input<S['methods'][K]>,
    context: CallContext,
  ) => Output<S['methods'][K]>;
};

/** How a call ended. */
export interface EndedCall {
  /** Path, such as `/eidetic.v1.DecoderService/Generate`. */
  readonly method: string;
  readonly code: 'ok' | ErrorCode;
  readonly durationMs: number;
  /** Trace context (W3C) that came along. */
  readonly traceparent?: string;
  /** What was thrown; its text is not for clients when the code is `internal`. */
  readonly error?: EideticError;
}

/** A service with its handlers; a server makes it answer. */
export interface Implementation {
  readonly name: string;
  readonly definition: ServiceDefinition;
  readonly bind: (calls: RunningCalls, onEnd: (call: EndedCall) => void) => UntypedServiceImplementation;
}

type Reading = ServerReadableStream<Buffer, unknown> | ServerDuplexStream<Buffer, unknown>;
type Writing = ServerWritableStream<Buffer, unknown> | ServerDuplexStream<Buffer, unknown>;
type Call = ServerUnaryCall<Buffer, unknown> | Reading | Writing;
type Respond = (request: unknown, context: CallContext) => Promise<void>;

/** How calls of a service are answered. */
export interface ImplementOptions {
  /** Calls that take longer end with `deadline_exceeded`; absent: none is ended. */
  readonly maxDurationMs?: number;
}

/** Timers go off up to a millisecond before the clock says so. */
const TIMER_SLACK_MS = 1;

const NEVER = Number.POSITIVE_INFINITY;

const departure = (deadlineMs: number): EideticError =>
  Date.now() + TIMER_SLACK_MS >= deadlineMs
    ? new EideticError('deadline_exceeded', 'The deadline passed.')
    : new EideticError('cancelled', 'The caller left.');

const read = (method: Method<unknown, unknown>, bytes: Buffer): unknown => {
  try {
    return method.requestType.decode(bytes);
  } catch (cause) {
    throw new EideticError('invalid_request', 'The request is not a message of this method.', { cause });
  }
};

/** The messages of a stream as they are asked for. */
async function* readAll(call: Reading, method: Method<unknown, unknown>, signal: AbortSignal) {
  const leave = (): void => void call.destroy();
  signal.addEventListener('abort', leave, { once: true });
  try {
    // A stream in both directions that is destroyed could not tell its client what is wrong.
    for await (const bytes of call.iterator({ destroyOnReturn: false })) yield read(method, bytes as Buffer);
  } finally {
    signal.removeEventListener('abort', leave);
  }
  // A stream that is destroyed ends like one that is complete.
  signal.throwIfAborted();
}

const metadataOf =
  (call: Call) =>
  (key: string): string | undefined => {
    const [value] = call.metadata.get(key);
    return typeof value === 'string' ? value : undefined;
  };

const traceparentOf = (call: Call): string | undefined => toTraceparent(metadataOf(call)(TRACEPARENT));

/** Ends a call that takes too long, until it is disposed of. */
const limit = (life: AbortController, maxDurationMs: number): Disposable => {
  const message = `The call was not done after ${maxDurationMs} ms.`;
  const timer =
    maxDurationMs === NEVER
      ? undefined
      : setTimeout(() => life.abort(new EideticError('deadline_exceeded', message)), maxDurationMs);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
};

/** Runs one call from its request to its end; rejects with what the client is to be told. */
const run = async (
  call: Call,
  method: Method<unknown, unknown>,
  { calls, maxDurationMs = NEVER }: ImplementOptions & { readonly calls: RunningCalls },
  respond: Respond,
) => {
  const life = calls.begin();
  using _ = limit(life, maxDurationMs);
  const deadlineMs = Math.min(Number(call.getDeadline()), Date.now() + maxDurationMs);
  const events: EventEmitter = call;
  events.on('cancelled', () => life.abort(departure(deadlineMs)));
  try {
    const traceparent = traceparentOf(call);
    const context = {
      signal: life.signal,
      draining: calls.draining,
      metadata: metadataOf(call),
      requestBytes: 'request' in call ? call.request.length : 0,
      ...(deadlineMs !== NEVER && { deadlineMs }),
      ...(traceparent !== undefined && { traceparent }),
    };
    const request = 'request' in call ? read(method, call.request) : readAll(call, method, life.signal);
    await respond(request, context);
  } catch (error) {
    throw EideticError.from(life.signal.aborted ? life.signal.reason : error);
  } finally {
    calls.end(life);
  }
};

const stream = async (call: Writing, messages: AsyncIterable<unknown>, { signal }: CallContext): Promise<void> => {
  for await (const message of messages) {
    signal.throwIfAborted();
    // Not to wait for the reader is to keep the whole answer in memory.
    if (!call.write(message)) await once(call, 'drain', { signal });
  }
};

/** Makes functions answer the calls of a service. What they throw is told to the client by its code, with its details. */
export const implement = <S extends Service>(
  service: S,
  handlers: Handlers<S>,
  options: ImplementOptions = {},
): Implementation => {
  const bindMethod = (key: string, calls: RunningCalls, onEnd: (call: EndedCall) => void) => {
    const method = service.methods[key] as Method<unknown, unknown>;
    const handler = handlers[key] as (request: unknown, context: CallContext) => unknown;
    const path = pathOf(service, method);
    const measured = async (call: Call, respond: Respond): Promise<EideticError | undefined> => {
      const startMs = performance.now();
      const error = await run(call, method, { ...options, calls }, respond).then(() => undefined, EideticError.from);
      const durationMs = performance.now() - startMs;
      const traceparent = traceparentOf(call);
      const code = error?.code ?? 'ok';
      onEnd({ method: path, code, durationMs, ...(error && { error }), ...(traceparent && { traceparent }) });
      return error;
    };
    if (method.responseStream) {
      return async (call: Writing) => {
        const error = await measured(call, (request, context) =>
          stream(call, handler(request, context) as AsyncIterable<unknown>, context),
        );
        if (error) call.emit('error', statusOf(error));
        else call.end();
      };
    }
    return async (call: ServerUnaryCall<Buffer, unknown> | Reading, reply: sendUnaryData<unknown>) => {
      let response: unknown;
      const error = await measured(call, async (request, context) => {
        response = await handler(request, context);
      });
      if (error) reply(statusOf(error));
      else reply(null, response);
    };
  };
  return {
    name: service.fullName,
    definition: grpcDefinition(service),
    bind: (calls, onEnd) =>
      Object.fromEntries(Object.keys(service.methods).map((key) => [key, bindMethod(key, calls, onEnd)])),
  };
};
