/**
 * A function that passes on its first call, and of the others those that come `intervalMs` milliseconds or more after the last one
 * that it passed on.
 *
 * @param now a clock in milliseconds
 */
export const atMostEvery = <A extends readonly unknown[]>(
  intervalMs: number,
  now: () => number,
  call: (...args: A) => void,
): ((...args: A) => void) => {
  let lastMs = Number.NEGATIVE_INFINITY;
  return (...args) => {
    const nowMs = now();
    if (nowMs - lastMs < intervalMs) return;
    lastMs = nowMs;
    call(...args);
  };
};
