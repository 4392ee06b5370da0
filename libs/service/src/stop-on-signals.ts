import type { EventEmitter } from 'node:events';
import type { Service } from './service.ts';

/** The parts of `process` that matter here. */
export interface SignalledProcess extends Pick<EventEmitter, 'on'> {
  exit(code: number): void;
}

/**
 * Ends the process on SIGTERM or SIGINT: running answers end up to the drain limit, then exit status 0, or 1 when that
 * fails. A second signal exits at once with status 1. Returns whether a signal has come.
 */
export const stopOnSignals = (
  service: Pick<Service<unknown>, 'drain' | 'stop'>,
  process: SignalledProcess,
  report: (line: string) => void,
): { readonly signalled: () => boolean } => {
  let signalled = false;
  const shutDown = async (): Promise<void> => {
    try {
      await service.drain();
      await service.stop();
      process.exit(0);
    } catch (error) {
      report(`Could not stop cleanly: ${error}`);
      process.exit(1);
    }
  };
  for (const signal of ['SIGTERM', 'SIGINT']) {
    process.on(signal, () => {
      if (signalled) return process.exit(1);
      signalled = true;
      report('Finishing the running answers; a second signal stops at once.');
      void shutDown();
    });
  }
  return { signalled: () => signalled };
};
