/** Ends a text before the first of some stop strings, a piece at a time. */
export interface StopFilter {
  /** Text that can be shown now. Nothing more comes once `stopped`. */
  push(text: string): { readonly text: string; readonly stopped: boolean };
  /** The rest, when the text ended by itself: what looked like the beginning of a stop string was none. */
  end(): string;
}

/**
 * The first stop string is the one that is complete first (of two complete at once, the longer), so the result does not
 * depend on how the text is cut into pieces.
 *
 * @param stops Non-empty strings.
 */
export function createStopFilter(stops: readonly string[]): StopFilter {
  let held = '';
  let stopped = false;
  return {
    push(text) {
      if (stopped) return { text: '', stopped };
      const all = held + text;
      const start = firstStop(all, stops);
      stopped = start !== undefined;
      const shown = all.slice(0, start ?? all.length - beginningOfStop(all, stops));
      held = all.slice(shown.length);
      return { text: shown, stopped };
    },
    end: () => (stopped ? '' : held),
  };
}

function firstStop(text: string, stops: readonly string[]): number | undefined {
  let first: { readonly start: number; readonly end: number } | undefined;
  for (const stop of stops) {
    const start = text.indexOf(stop);
    if (start < 0) continue;
    const end = start + stop.length;
    if (first === undefined || end < first.end || (end === first.end && start < first.start)) first = { start, end };
  }
  return first?.start;
}

/** Length of the longest end of a text that a stop string begins with. */
function beginningOfStop(text: string, stops: readonly string[]): number {
  const longest = Math.min(text.length, Math.max(0, ...stops.map((stop) => stop.length - 1)));
  for (let length = longest; length > 0; length--) {
    const end = text.slice(-length);
    if (stops.some((stop) => stop.startsWith(end))) return length;
  }
  return 0;
}
