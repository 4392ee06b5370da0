import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

/** A service that answers over gRPC as a user starts it, in a process of its own on free ports. */
export interface RpcProcess {
  readonly child: ChildProcess;
  /** `host:port` of gRPC. */
  readonly grpc: string;
  /** URL of health and metrics. */
  readonly http: string;
  /** Resolves to the exit status. */
  readonly exited: Promise<number | null>;
  /** Resolves once it has said a line that matches. */
  said(pattern: RegExp): Promise<void>;
}

/** What it says once it answers. */
const GREETING = /^Eidetic .* on (\S+) \(gRPC\); health and metrics on (\S+)\. Try:$/m;

/**
 * Resolves once it answers.
 *
 * @param settings `EIDETIC_*` variables
 */
export const startRpcProcess = async (
  service: 'decoder' | 'vision',
  settings: Readonly<Record<string, string>> = {},
): Promise<RpcProcess> => {
  const main = fileURLToPath(new URL(`../../services/${service}/src/main.ts`, import.meta.url));
  const ports = { EIDETIC_GRPC_PORT: '0', EIDETIC_HTTP_PORT: '0' };
  const child = spawn(process.execPath, [main], {
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
      reader.on('close', () => reject(new Error(`It ended without saying ${pattern}:\n${lines.join('\n')}`)));
      look();
    });
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  await said(GREETING);
  const [, grpc = '', http = ''] = GREETING.exec(lines.join('\n')) ?? [];
  return { child, grpc, http, exited, said };
};
