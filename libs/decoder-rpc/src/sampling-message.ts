import { GREEDY, type SamplingOptions } from '@eidetic/core';
import { refuse, within } from '@eidetic/messages';
import type { SamplingOptions as SamplingMessage } from '@eidetic/proto';

/** As in the HTTP API. Repetition penalties divide and multiply logits, which far beyond these bounds are no numbers any more. */
const TEMPERATURE = { min: 0, max: 2 };
const SHARE = { min: 0, max: 1 };
const REPETITION = { min: 0.01, max: 10 };
const PENALTY = { min: -2, max: 2 };
const BIAS = { min: -100, max: 100 };
const SEED = { min: Number.MIN_SAFE_INTEGER, max: Number.MAX_SAFE_INTEGER };

/** Everything said, so that what a server takes for granted does not matter. */
export const toSamplingMessage = ({ logitBias, seed, ...sampling }: SamplingOptions): SamplingMessage => ({
  ...sampling,
  logitBias: new Map(logitBias),
  seed: BigInt(seed),
});

/**
 * Reads sampling options; none are {@link GREEDY}.
 *
 * @param vocab token ids are below this
 * @throws EideticError `invalid_request`
 */
export const readSampling = (message: SamplingMessage | undefined, vocab: number): SamplingOptions => {
  if (!message) return GREEDY;
  const { topP = 1, repetitionPenalty = 1, logitBias } = message;
  if (!(topP > 0)) throw refuse('sampling.top_p', `${topP} is not above 0`);
  for (const [id, bias] of logitBias) {
    within(`sampling.logit_bias[${id}]`, id, { min: 0, max: vocab - 1 });
    within(`sampling.logit_bias[${id}]`, bias, BIAS);
  }
  return {
    temperature: within('sampling.temperature', message.temperature, TEMPERATURE),
    topP: within('sampling.top_p', topP, SHARE),
    topK: message.topK,
    minP: within('sampling.min_p', message.minP, SHARE),
    repetitionPenalty: within('sampling.repetition_penalty', repetitionPenalty, REPETITION),
    presencePenalty: within('sampling.presence_penalty', message.presencePenalty, PENALTY),
    frequencyPenalty: within('sampling.frequency_penalty', message.frequencyPenalty, PENALTY),
    logitBias,
    seed: within('sampling.seed', Number(message.seed), SEED),
  };
};
