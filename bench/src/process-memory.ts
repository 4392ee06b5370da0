import { readFile } from 'node:fs/promises';

/** Memory of a process, in bytes. */
export interface ProcessMemory {
  /** All of it, files that it has mapped included. */
  readonly resident: number;
  /** What no file stands behind: nobody else can use it, and the system cannot drop it. */
  readonly private: number;
  /** Resident memory, of which what several processes use is divided between them. */
  readonly proportional: number;
}

/** What a running process holds at the moment. Linux only. */
export async function processMemory(pid: number): Promise<ProcessMemory> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8');
  const bytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * 1024;
  return { resident: bytes('Rss'), private: bytes('Anonymous'), proportional: bytes('Pss') };
}
