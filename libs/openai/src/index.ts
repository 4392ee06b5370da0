export { type OpenaiApiOptions, openaiApi } from './openai-api.ts';
