import type { ConvertProgress } from './watched-weights.ts';

const MEBIBYTE = 2 ** 20;

/** Share of the checkpoint after which a pace means something: what an earlier attempt wrote is checked first, with little to read. */
const KNOWN_FROM = 0.01;

/**
 * How fast a conversion reads the checkpoint and how long it still takes at that pace, such as `120 MiB/s, 2 min left`; empty as long as little is
 * known. What an earlier attempt had read does not count.
 */
export function paceText({ doneBytes, totalBytes, earlierBytes }: ConvertProgress, elapsedSeconds: number): string {
  const readBytes = doneBytes - earlierBytes;
  if (readBytes < KNOWN_FROM * totalBytes || elapsedSeconds <= 0) return '';
  const bytesPerSecond = readBytes / elapsedSeconds;
  const seconds = Math.ceil((totalBytes - doneBytes) / bytesPerSecond);
  const left = seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  return `${(bytesPerSecond / MEBIBYTE).toFixed(0)} MiB/s, ${left} left`;
}
