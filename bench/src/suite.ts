import type { SuiteResult } from './report.ts';

/** What every suite gets. */
export interface SuiteContext {
  /** A Qwen-VL checkpoint. */
  readonly checkpointDirectory: string;
  /** A bundle of that checkpoint, for suites that do not convert it. */
  readonly bundleDirectory: string | undefined;
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
  /** Whether it runs only when it is named: it needs what is not in the repository. */
  readonly onRequest?: boolean;
  run(context: SuiteContext): Promise<SuiteResult>;
}
