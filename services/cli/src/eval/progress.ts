import type { EvalProgress } from '@eidetic/eval';

/** A log gets a line so often. */
const LOG_EVERY_MS = 60_000;

/** Where a command says how far it is. */
export interface ProgressSink {
  /** Whether a line can be replaced by the next one. */
  readonly isTerminal: boolean;
  readonly show: (line: string) => void;
  readonly say: (line: string) => void;
  /** Milliseconds from any fixed moment. */
  readonly now: () => number;
}

/** Tells where a run stands: always at a terminal, once a minute in a log. The run begins when this is called. */
export function progressReporter({ isTerminal, show, say, now }: ProgressSink): (progress: EvalProgress) => void {
  const started = now();
  let said = started;
  return (progress) => {
    const line = progressLine(progress, now() - started);
    if (isTerminal) show(line);
    else if (now() - said >= LOG_EVERY_MS) {
      say(line);
      said = now();
    }
  };
}

/**
 * Where a run stands, in a line: how many are done, how fast it goes, how long the rest takes at that rate. Questions of earlier runs took no time.
 *
 * @param elapsedMs since this run began.
 */
export function progressLine({ done, total, kept, failed }: EvalProgress, elapsedMs: number): string {
  const perSecond = elapsedMs > 0 ? (1000 * (done - kept)) / elapsedMs : 0;
  const pace = perSecond > 0 ? `, ${perSecond.toPrecision(2)}/s, ${duration((total - done) / perSecond)} left` : '';
  return `${done} of ${total} questions${failed > 0 ? `, ${failed} failed` : ''}${pace}`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.ceil(whole / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
