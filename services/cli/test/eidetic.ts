import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

const MAIN = join(import.meta.dirname, '../src/main.ts');

/** How the command is called. */
export interface CallOptions {
  readonly stdin?: string | Uint8Array;
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Receives the process once it runs. */
  readonly onStart?: (child: ChildProcess) => void;
}

/** What the command left. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Calls the command as a user does. Standard input is closed at once, unless `onStart` has the process and no text is given. */
export async function eidetic(args: readonly string[], options: CallOptions = {}): Promise<Outcome> {
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: 'pipe',
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    stdout += piece;
  });
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    stderr += piece;
  });
  if (options.stdin !== undefined || options.onStart === undefined) child.stdin.end(options.stdin);
  options.onStart?.(child);
  const [status] = await once(child, 'close');
  return { status, stdout, stderr };
}
