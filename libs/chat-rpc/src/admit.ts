import { apiKeyOf, type RequestKind } from '@eidetic/core';
import type { CallContext } from '@eidetic/rpc';
import type { ChatRpcParts } from './api-parts.ts';

/** A call that was let in. */
export interface Visit extends Disposable {
  /** For whom, until when and as part of which trace to work. */
  readonly options: { readonly tenant?: string; readonly deadlineMs?: number; readonly traceparent?: string };
  /** Its part in the trace did not succeed. */
  fail(reason: unknown): void;
}

/**
 * Lets a call in by its metadata `authorization: Bearer …`. Disposing of it gives back what it holds: its share of its
 * key's limits, the memory of its message, its span.
 *
 * @param name of the method, for its span
 * @param kind whether it counts against its key's limits
 * @throws EideticError what the access control throws; `overloaded`.
 */
export const admit = async (
  name: string,
  context: CallContext,
  parts: ChatRpcParts,
  kind: RequestKind = 'work',
): Promise<Visit> => {
  using held = new DisposableStack();
  const admission = await parts.access.admit({ apiKey: apiKeyOf(context.metadata('authorization')) }, kind);
  held.defer(() => admission.release());
  held.defer(parts.bodies.reserve(context.requestBytes));
  const { tenant } = admission;
  const { deadlineMs } = context;
  const span = parts.tracer()?.start(name, { kind: 'server', parent: context.traceparent });
  held.defer(() => span?.end());
  const traceparent = span?.traceparent ?? context.traceparent;
  const kept = held.move();
  return {
    options: {
      ...(tenant !== undefined && { tenant }),
      ...(deadlineMs !== undefined && { deadlineMs }),
      ...(traceparent !== undefined && { traceparent }),
    },
    fail: (reason) => span?.fail(reason),
    [Symbol.dispose]: () => kept.dispose(),
  };
};
