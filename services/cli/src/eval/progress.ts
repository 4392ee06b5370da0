import type { EvalProgress } from '@eidetic/eval';

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
