import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { copyBytesPerSecond } from './memory-bandwidth.ts';

/** What the figures were measured on. */
export interface Environment {
  readonly date: string;
  readonly commit: string;
  readonly command: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly kernel: string;
    /** Bytes read and written per second by copies in all cores at once. */
    readonly copyBytesPerSecond: number;
    /** Mean number of runnable processes over the last minute, before the run: well above 0 means a busy machine. */
    readonly loadBefore: number;
  };
  readonly versions: Readonly<Record<string, string>>;
}

/** Looks at the machine and measures its memory for half a second. */
export async function describeEnvironment(): Promise<Environment> {
  const cores = availableParallelism();
  const loadBefore = loadavg()[0] ?? 0;
  return {
    date: new Date().toISOString(),
    commit: git('rev-parse', '--short', 'HEAD') + (git('status', '--porcelain', '--untracked-files=no') && '-modified'),
    command: ['node', 'bench/src/main.ts', ...process.argv.slice(2)].join(' '),
    machine: {
      cpu: cpus()[0]?.model ?? 'unknown',
      cores,
      memoryBytes: totalmem(),
      kernel: release(),
      copyBytesPerSecond: await copyBytesPerSecond(cores),
      loadBefore,
    },
    versions: {
      node: process.version,
      'onnxruntime-node': version('onnxruntime-node'),
      'node-llama-cpp': version('node-llama-cpp'),
    },
  };
}

function git(...args: string[]): string {
  return execFileSync('git', args, { encoding: 'utf8' }).trim();
}

function version(packageName: string): string {
  const path = new URL(`../node_modules/${packageName}/package.json`, import.meta.url);
  return JSON.parse(readFileSync(path, 'utf8')).version;
}
