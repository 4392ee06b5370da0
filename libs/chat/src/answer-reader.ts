import type { ChatFamily, OutputEvent } from '@eidetic/core';
import { createStopFilter } from './stop-filter.ts';

/** Token ids of an answer to its events: decoded, ended at the first stop string, regions read out. */
export interface AnswerReader {
  /** `stopped`: a stop string was reached, nothing more is wanted. */
  push(id: number): { readonly events: readonly OutputEvent[]; readonly stopped: boolean };
  /** What was held back. */
  end(): readonly OutputEvent[];
}

/** How an answer is read. */
export interface AnswerReading {
  /** Strings that the answer ends before, none empty. */
  readonly stop: readonly string[];
  /** Text that the answer goes on with: what it opens, the answer may close. */
  readonly continued: string;
  /** Tokens whose text may hold a stop string without ending the answer. */
  readonly minTokens: number;
}

/** Reads one answer of a model of the family. */
export function createAnswerReader(family: ChatFamily, { stop, continued, minTokens }: AnswerReading): AnswerReader {
  const detokenizer = family.createDetokenizer();
  const filter = createStopFilter(stop);
  const parser = family.createOutputParser();
  parser.push(continued);
  parser.end();
  let tokens = 0;
  return {
    push(id) {
      tokens += 1;
      if (tokens <= minTokens) return { events: parser.push(detokenizer.push(id)), stopped: false };
      const { text, stopped } = filter.push(detokenizer.push(id));
      return { events: parser.push(text), stopped };
    },
    end: () => [...parser.push(filter.push(detokenizer.end()).text + filter.end()), ...parser.end()],
  };
}
