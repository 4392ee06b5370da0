import type { SuiteResult } from './report.ts';

/** What every suite gets. */
export interface SuiteContext {
  /** A Qwen-VL checkpoint. */
  readonly checkpointDirectory: string;
  /** Where converted models are kept between runs. */
  readonly cacheDirectory: string;
  /** Cores that every contender may use. */
  readonly threads: number;
  /** What the machine's memory gives, read and written together. */
  readonly copyBytesPerSecond: number;
  /** Rounds that count. */
  readonly rounds: number;
}

/** Measures one subject against its peers. */
export interface Suite {
  /** Chosen by `--only`; also the name of the result file. */
  readonly name: string;
  run(context: SuiteContext): Promise<SuiteResult>;
}
