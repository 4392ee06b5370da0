export { answerErrors, type OpenaiApiOptions, openaiApi } from './openai-api.ts';
