import { EideticError } from '@eidetic/core';

/** Settles as `work` does, or rejects as soon as `signal` is aborted, whatever becomes of the work. */
export function untilAborted<T>(work: Promise<T>, signal?: AbortSignal): Promise<T> {
  if (signal === undefined) return work;
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const leave = (): void => reject(EideticError.from(signal.reason));
  signal.addEventListener('abort', leave, { once: true });
  work.then(resolve, reject).finally(() => signal.removeEventListener('abort', leave));
  return promise;
}
