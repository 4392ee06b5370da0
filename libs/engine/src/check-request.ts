import { EideticError, type GenerateRequest, MAX_LOGPROBS } from '@eidetic/core';

/** Positions that a prompt takes, image rows included. */
export function countPositions(prompt: GenerateRequest['prompt']): number {
  return prompt.reduce((n, part) => n + (part.kind === 'tokens' ? part.ids.length : part.tokens), 0);
}

/**
 * Refuses a request that cannot be served whatever the load.
 *
 * @param vocab columns of the logits
 * @throws EideticError `invalid_request`, `context_length_exceeded`.
 */
export function checkRequest(request: GenerateRequest, maxContext: number, vocab: number): void {
  const promptTokens = countPositions(request.prompt);
  const { maxTokens, minTokens = 0, logprobs = 0, sampling, grammar, answered = [] } = request;
  if (promptTokens === 0 || maxTokens < 1) {
    throw new EideticError('invalid_request', 'A generation needs a prompt and room for at least one token.');
  }
  if (!(Number.isInteger(minTokens) && minTokens >= 0 && minTokens <= maxTokens)) {
    const message = `At least ${minTokens} tokens were asked for; ask for 0 to ${maxTokens}, the most that may be generated.`;
    throw new EideticError('invalid_request', message);
  }
  if (minTokens > 0 && grammar !== undefined) {
    throw new EideticError('invalid_request', 'A grammar ends where it does; leave it or the fewest tokens out.');
  }
  if (answered.length >= maxTokens) {
    const message = `The answer has ${answered.length} tokens already, and may have ${maxTokens}: nothing is left to generate.`;
    throw new EideticError('invalid_request', message);
  }
  const unknown = answered.find((id) => !(Number.isInteger(id) && id >= 0 && id < vocab));
  if (unknown !== undefined) {
    throw new EideticError('invalid_request', `The answer has token ${unknown}; ids go from 0 to ${vocab - 1}.`);
  }
  if (!(Number.isInteger(logprobs) && logprobs >= 0 && logprobs <= MAX_LOGPROBS)) {
    const message = `Log probabilities of ${logprobs} tokens were asked for; ask for 0 to ${MAX_LOGPROBS}.`;
    throw new EideticError('invalid_request', message);
  }
  for (const id of sampling.logitBias.keys()) {
    if (Number.isInteger(id) && id >= 0 && id < vocab) continue;
    throw new EideticError('invalid_request', `There is a logit bias for token ${id}; ids go from 0 to ${vocab - 1}.`);
  }
  if (promptTokens + maxTokens <= maxContext) return;
  const message =
    `The prompt has ${promptTokens} tokens and ${maxTokens} may be generated, but the context holds ${maxContext}: ` +
    `${promptTokens + maxTokens - maxContext} too many. Shorten the prompt, or ask for fewer tokens.`;
  throw new EideticError('context_length_exceeded', message, { details: { promptTokens, maxTokens, maxContext } });
}
