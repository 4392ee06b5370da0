import type { GenerateEvent, GenerateRequest } from '@eidetic/core';

/** What the caller has of an answer, and so what is left to ask of another decoder. */
export class AnswerSoFar {
  readonly #request: GenerateRequest;
  readonly #tokens: number[] = [];
  #prefilled = false;

  constructor(request: GenerateRequest) {
    this.#request = request;
  }

  /** Tokens that the caller has got. */
  get tokens(): number {
    return this.#tokens.length;
  }

  /** The request for what is left. */
  get rest(): GenerateRequest {
    if (this.#tokens.length === 0) return this.#request;
    return { ...this.#request, answered: [...(this.#request.answered ?? []), ...this.#tokens] };
  }

  /** The end, if only news of it was lost: there are as many tokens as were asked for. */
  get end(): GenerateEvent | undefined {
    if (this.#tokens.length === 0) return undefined;
    const { answered = [], maxTokens } = this.#request;
    const completionTokens = answered.length + this.#tokens.length;
    return completionTokens < maxTokens ? undefined : { kind: 'finished', reason: 'length', completionTokens };
  }

  /** Takes the next event from a decoder; false if the caller has it already. */
  take(event: GenerateEvent): boolean {
    if (event.kind === 'token') this.#tokens.push(event.id);
    if (event.kind !== 'prefilled') return true;
    const isFirst = !this.#prefilled;
    this.#prefilled = true;
    return isFirst;
  }
}
