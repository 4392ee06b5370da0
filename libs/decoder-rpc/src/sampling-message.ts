import { GREEDY, type SamplingOptions } from '@eidetic/core';
import { readTopP, SAMPLING_BOUNDS, within } from '@eidetic/messages';
import type { SamplingOptions as SamplingMessage } from '@eidetic/proto';

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
  for (const [id, bias] of logitBias) {
    within(`sampling.logit_bias[${id}]`, id, { min: 0, max: vocab - 1 });
    within(`sampling.logit_bias[${id}]`, bias, SAMPLING_BOUNDS.logitBias);
  }
  return {
    temperature: within('sampling.temperature', message.temperature, SAMPLING_BOUNDS.temperature),
    topP: readTopP('sampling.top_p', topP),
    topK: message.topK,
    minP: within('sampling.min_p', message.minP, SAMPLING_BOUNDS.minP),
    repetitionPenalty: within('sampling.repetition_penalty', repetitionPenalty, SAMPLING_BOUNDS.repetitionPenalty),
    presencePenalty: within('sampling.presence_penalty', message.presencePenalty, SAMPLING_BOUNDS.presencePenalty),
    frequencyPenalty: within('sampling.frequency_penalty', message.frequencyPenalty, SAMPLING_BOUNDS.frequencyPenalty),
    logitBias,
    seed: within('sampling.seed', Number(message.seed), SAMPLING_BOUNDS.seed),
  };
};
