export { answerErrors, earlyErrors } from './answer-errors.ts';
export type { OpenaiApiOptions, OpenaiApiParts } from './api-parts.ts';
export { createExecute } from './execute-request.ts';
export { openaiApi } from './openai-api.ts';
