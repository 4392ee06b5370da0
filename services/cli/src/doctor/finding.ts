/** `warning`: it works, but not as well as it could; `problem`: something will not work. */
export type Verdict = 'ok' | 'warning' | 'problem';

/** What a check has found. */
export interface Finding {
  /** What was looked at, in a word or two. */
  readonly check: string;
  readonly verdict: Verdict;
  /** What is there, with the numbers. */
  readonly message: string;
  /** What to do about it. */
  readonly remedy?: string;
}

/** A finding with which all is well. */
export const ok = (check: string, message: string): Finding => ({ check, verdict: 'ok', message });

/** A finding that could be better. */
export const warning = (check: string, message: string, remedy: string): Finding => ({
  check,
  verdict: 'warning',
  message,
  remedy,
});

/** A finding that keeps something from working. */
export const problem = (check: string, message: string, remedy: string): Finding => ({
  check,
  verdict: 'problem',
  message,
  remedy,
});
