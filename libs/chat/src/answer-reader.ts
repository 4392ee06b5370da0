import type { ChatFamily, OutputEvent } from '@eidetic/core';
import { createStopFilter } from './stop-filter.ts';

/** Token ids of an answer to its events: decoded, ended at the first stop string, regions read out. */
export interface AnswerReader {
  /** `stopped`: a stop string was reached, nothing more is wanted. */
  push(id: number): { readonly events: readonly OutputEvent[]; readonly stopped: boolean };
  /** What was held back. */
  end(): readonly OutputEvent[];
}

/**
 * @param stop strings that the answer ends before, none empty.
 * @param continued text that the answer goes on with: what it opens, the answer may close.
 */
export function createAnswerReader(family: ChatFamily, stop: readonly string[], continued = ''): AnswerReader {
  const detokenizer = family.createDetokenizer();
  const filter = createStopFilter(stop);
  const parser = family.createOutputParser();
  parser.push(continued);
  parser.end();
  return {
    push(id) {
      const { text, stopped } = filter.push(detokenizer.push(id));
      return { events: parser.push(text), stopped };
    },
    end: () => [...parser.push(filter.push(detokenizer.end()).text + filter.end()), ...parser.end()],
  };
}
