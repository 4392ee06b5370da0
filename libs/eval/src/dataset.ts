import type { EvalQuestion, PromptStyle } from './question.ts';

/** A figure that answers are measured with. */
export interface Measure {
  readonly name: string;
  /** What its values are printed with. */
  readonly unit: '' | ' %';
  readonly digits: number;
}

/** A row of the table: the figures of some of the questions. Those without an answer count as wrong. */
export interface ScoreRow {
  /** Which questions: a split, a task, a category; `all` for all of them. */
  readonly part: string;
  readonly questions: number;
  readonly failed: number;
  /** By name of the measure, in its unit; a measure that does not apply is absent. */
  readonly figures: Readonly<Record<string, number>>;
}

/** Answers by id of the question; a question without an answer is absent. */
export type Outputs = ReadonlyMap<string, string>;

/** Questions, and how their answers are scored. */
export interface Dataset {
  /** Name of its format. */
  readonly name: string;
  readonly questions: readonly EvalQuestion[];
  /** How the evaluation that its published figures are from puts the questions. */
  readonly style: PromptStyle;
  /** Most tokens of an answer there. */
  readonly maxTokens: number;
  /** Fewest tokens of an answer there, if it goes on with a raw text; 0 if an answer may be empty. */
  readonly minTokens: number;
  readonly measures: readonly Measure[];
  /** What the reader left out and why, one sentence each. */
  readonly notes: readonly string[];
  /** The figures of some of its questions, or of all. */
  score(questions: readonly EvalQuestion[], outputs: Outputs): readonly ScoreRow[];
  /** The answers as who judges them wants to have them; absent where nobody does. */
  submission?(questions: readonly EvalQuestion[], outputs: Outputs): string;
}

/** Where a data set is. */
export interface DatasetFiles {
  /** Its files or folders, in the order that its format names. */
  readonly paths: readonly string[];
  /** Folder that the paths of pictures are relative to; absent: what its format says. */
  readonly images?: string;
}

/** A data set as it is published, and how it is read. */
export interface DatasetFormat {
  readonly name: string;
  /** The files to be given, as in a help text. */
  readonly files: string;
  /** Most of them. */
  readonly maxFiles: number;
  /** @throws EideticError `invalid_request` naming the file, the entry and the field that is wrong. */
  open(files: DatasetFiles): Promise<Dataset>;
}
