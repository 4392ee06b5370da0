import type { ConvertProgress } from './watched-weights.ts';

const MEBIBYTE = 2 ** 20;

/**
 * How fast a conversion reads the checkpoint and how long it still takes at that pace, such as `120 MiB/s, 2 min left`; empty as long as nothing is
 * known. What an earlier attempt had read does not count.
 */
export function paceText({ doneBytes, totalBytes, earlierBytes }: ConvertProgress, elapsedSeconds: number): string {
  const bytesPerSecond = (doneBytes - earlierBytes) / elapsedSeconds;
  if (!(bytesPerSecond > 0 && Number.isFinite(bytesPerSecond))) return '';
  const seconds = Math.ceil((totalBytes - doneBytes) / bytesPerSecond);
  const left = seconds < 120 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`;
  return `${(bytesPerSecond / MEBIBYTE).toFixed(0)} MiB/s, ${left} left`;
}
