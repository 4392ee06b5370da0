import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const MAIN = fileURLToPath(new URL('../../services/decoder/src/main.ts', import.meta.url));

/** The decoder service as a user starts it, in a process of its own on free ports. */
export interface DecoderProcess {
  readonly child: ChildProcess;
  /** `host:port` of gRPC. */
  readonly grpc: string;
  /** Resolves to the exit status. */
  readonly exited: Promise<number | null>;
  /** Resolves once it has said a line that matches. */
  said(pattern: RegExp): Promise<void>;
}

/** Resolves once it answers. `settings` are `EIDETIC_*` variables. */
export const startDecoderProcess = async (settings: Readonly<Record<string, string>> = {}): Promise<DecoderProcess> => {
  const ports = { EIDETIC_GRPC_PORT: '0', EIDETIC_HTTP_PORT: '0' };
  const child = spawn(process.execPath, [MAIN], {
    env: { ...process.env, ...ports, EIDETIC_CACHE_DIR: '.cache/test-bundles', ...settings },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines: string[] = [];
  const reader = createInterface(child.stderr).on('line', (line) => lines.push(line));
  const said = (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (lines.some((line) => pattern.test(line))) resolve();
      };
      reader.on('line', look);
      reader.on('close', () => reject(new Error(`The decoder ended without saying ${pattern}:\n${lines.join('\n')}`)));
      look();
    });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  await said(/Eidetic decodes/);
  const [, grpc = ''] = /Eidetic decodes \S+ on (\S+) \(gRPC\)/.exec(lines.join('\n')) ?? [];
  return { child, grpc, exited, said };
};
