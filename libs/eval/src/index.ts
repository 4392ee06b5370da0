export { type OpenAiServer, openAiAnswerer } from './openai-answerer.ts';
export type { EvalMessage, EvalQuestion } from './question.ts';
export { readQuestions } from './read-questions.ts';
export type { EvalResult } from './result.ts';
export { ResultsFile } from './results-file.ts';
export { type Answerer, type EvalOptions, type EvalProgress, runEval } from './run-eval.ts';
export { type Score, scoreAnswer } from './score.ts';
export { type EvalGroup, formatSummary, summarise } from './summary.ts';
