export { answerErrors, earlyErrors } from './answer-errors.ts';
export type { OpenaiApiOptions, OpenaiApiParts } from './api-parts.ts';
export { openaiApi } from './openai-api.ts';
