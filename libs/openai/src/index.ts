export { answerErrors, earlyErrors } from './answer-errors.ts';
export { type OpenaiApiOptions, openaiApi } from './openai-api.ts';
