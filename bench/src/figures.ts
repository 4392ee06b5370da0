import type { Generation } from './peers/protocol.ts';

/** Mean milliseconds between the tokens of one generation, the first one's wait left out. */
export function msPerToken({ arrivedMs: [times = []] }: Generation): number {
  return ((times.at(-1) ?? Number.NaN) - (times[0] ?? Number.NaN)) / (times.length - 1);
}

/** Milliseconds until the first token of the first generation. */
export function firstTokenMs({ arrivedMs: [times = []] }: Generation): number {
  return times[0] ?? Number.NaN;
}

/** Tokens a second over all generations, while every one of them was running: prefill and stragglers left out. */
export function tokensPerSecond({ arrivedMs }: Generation): number {
  const from = Math.max(...arrivedMs.map((times) => times[0] ?? Number.NaN));
  const to = Math.min(...arrivedMs.map((times) => times.at(-1) ?? Number.NaN));
  const tokens = arrivedMs.flat().filter((time) => time > from && time <= to).length;
  return (tokens / (to - from)) * 1000;
}
