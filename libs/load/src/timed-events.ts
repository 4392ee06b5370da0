import type { Arrival } from './timed-post.ts';

/** The JSON of a server-sent event, and when its end arrived, in milliseconds since the request was sent. */
export interface TimedEvent<T> {
  readonly data: T;
  readonly atMs: number;
}

/** Reads the objects of server-sent events, wherever they were cut; what is no object (`[DONE]`) and comments are left out. */
export function* timedEvents<T>(arrivals: readonly Arrival[]): Generator<TimedEvent<T>, void, undefined> {
  const decoder = new TextDecoder();
  let rest = '';
  for (const { bytes, atMs } of arrivals) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, json] = /^data: ?(\{.*)/.exec(line) ?? [];
      if (json !== undefined) yield { data: JSON.parse(json) as T, atMs };
    }
  }
}
