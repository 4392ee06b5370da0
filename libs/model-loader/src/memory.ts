import { readFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { type Bundle, type BundlePart, filesOf } from '@eidetic/bundle';

/** The text of a file such as those of /proc and /sys; undefined if it is not there. */
export type ReadText = (path: string) => Promise<string | undefined>;

/** Memory that a server needs beside what depends on the model: Node.js, its libraries, working memory of a step. */
const BASE_BYTES = 256 * 2 ** 20;

/** What a server holds at most. */
export interface MemoryNeeds {
  /** What it loads. */
  readonly parts: readonly BundlePart[];
  readonly slots: number;
  /** Positions of one dialog; 0 for the model's own limit. */
  readonly maxContext: number;
  readonly cachesBytes: number;
}

/** Memory that a server may come to need, in bytes. */
export interface MemoryNeeded {
  readonly weights: number;
  /** Keys and values of all slots; memory of positions that no dialog reaches is never taken. */
  readonly keysAndValues: number;
  readonly total: number;
}

/** Memory for weights, for the keys and values of all slots, and for what is cached. */
export function memoryNeeded(
  { manifest }: Bundle,
  { parts, slots, maxContext, cachesBytes }: MemoryNeeds,
): MemoryNeeded {
  const { layers, kvHeads, headDim, dtype, maxPositions } = manifest.decoder;
  const positions = maxContext === 0 ? maxPositions : Math.min(maxContext, maxPositions);
  const bytesPerPosition = layers * 2 * kvHeads * headDim * (dtype === 'float16' ? 2 : 4);
  const keysAndValues = parts.includes('decoder') ? slots * positions * bytesPerPosition : 0;
  const weights = filesOf(manifest, parts).reduce((sum, { size }) => sum + size, 0);
  return { weights, keysAndValues, total: weights + keysAndValues + cachesBytes + BASE_BYTES };
}

/** Bytes that the control group of this process may hold, in version 2 or 1: undefined if there is no limit. */
export async function memoryLimit(readText: ReadText): Promise<number | undefined> {
  const text =
    (await readText('/sys/fs/cgroup/memory.max')) ?? (await readText('/sys/fs/cgroup/memory/memory.limit_in_bytes'));
  const bytes = Number(text ?? Number.NaN);
  // Version 1 writes "no limit" as a number beyond any memory.
  return bytes > 0 && bytes < 2 ** 60 ? bytes : undefined;
}

/** Memory of a machine or a container, in bytes. */
export interface Memory {
  readonly free: number;
  readonly whole: number;
}

/** What the machine has, or less where the container has a limit. */
async function memoryHere(): Promise<Memory> {
  const readText: ReadText = (path) => readFile(path, 'utf8').catch(() => undefined);
  const whole = Math.min(totalmem(), (await memoryLimit(readText)) ?? totalmem());
  return { whole, free: Math.min(freemem(), whole) };
}

/**
 * What to say when a server may come to need more memory than there is; undefined when there is enough.
 *
 * @param memory default: of this machine or container
 */
export async function memoryWarning(bundle: Bundle, needs: MemoryNeeds, memory?: Memory): Promise<string | undefined> {
  const { free, whole } = memory ?? (await memoryHere());
  const { weights, keysAndValues, total } = memoryNeeded(bundle, needs);
  if (total <= free) return undefined;
  const gibibytes = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
  const kv = keysAndValues === 0 ? '' : `, ${gibibytes(keysAndValues)} of keys and values in ${needs.slots} slots`;
  const remedy = needs.parts.includes('decoder')
    ? 'Lower EIDETIC_SLOTS or EIDETIC_MAX_CONTEXT, convert to a narrower precision, or give it more memory.'
    : 'Convert to a narrower precision, or give it more memory.';
  return `Warning: up to ${gibibytes(total)} GiB of memory may be needed (${gibibytes(weights)} of weights${kv}), and ${gibibytes(free)} of ${gibibytes(whole)} GiB are free. ${remedy}`;
}
