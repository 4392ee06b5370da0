import { type GenerateRequest, GREEDY, type ImageEmbedding, type PromptSegment } from '@eidetic/core';
import { DecoderServiceDefinition, ElementType, type GenerateRequest as GenerateRequestMessage } from '@eidetic/proto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readRequest, toRequestMessage } from './request-message.ts';

const HIDDEN = 3;
const LIMITS = { vocab: 1000, hidden: HIDDEN };

const { requestType } = DecoderServiceDefinition.methods.generate;

/** What the server reads of what the client writes. */
const overTheWire = (message: GenerateRequestMessage, deadlineMs?: number): GenerateRequest =>
  readRequest(requestType.decode(requestType.encode(message).finish()), LIMITS, deadlineMs);

const embedding = (tokens: number, fill = 0.5): ImageEmbedding => ({
  data: new Float32Array(tokens * HIDDEN).fill(fill),
  tokens,
  hidden: HIDDEN,
  imageWidth: 640,
  imageHeight: 480,
});

const id = fc.nat(LIMITS.vocab - 1);
/** -0 is sent as 0: they choose the same tokens. */
const number = (bounds: fc.DoubleConstraints) => fc.double(bounds).map((x) => x + 0);
const image = fc
  .record({ key: fc.stringMatching(/^[!-~]{1,200}$/), tokens: fc.integer({ min: 1, max: 4 }) })
  .chain(({ key, tokens }) => {
    const numbers = fc.float32Array({
      minLength: tokens * HIDDEN,
      maxLength: tokens * HIDDEN,
      noNaN: true,
      noDefaultInfinity: true,
    });
    return numbers.map(
      (data): PromptSegment => ({ kind: 'image', key, tokens, embedding: { ...embedding(tokens), data } }),
    );
  });
const text = fc.array(id, { minLength: 1 }).map((ids): PromptSegment => ({ kind: 'tokens', ids }));
const share = number({ min: 0, max: 1, noNaN: true });
const penalty = number({ min: -2, max: 2, noNaN: true });
const sampling = fc.record({
  temperature: number({ min: 0, max: 2, noNaN: true }),
  topP: number({ min: 0, minExcluded: true, max: 1, noNaN: true }),
  topK: fc.nat(),
  minP: share,
  repetitionPenalty: number({ min: 0.01, max: 10, noNaN: true }),
  presencePenalty: penalty,
  frequencyPenalty: penalty,
  logitBias: fc.array(fc.tuple(id, number({ min: -100, max: 100, noNaN: true }))).map((pairs) => new Map(pairs)),
  seed: fc.maxSafeInteger(),
});
const grammar = fc.oneof(
  fc.constant({ kind: 'json-object' } as const),
  fc.record({ kind: fc.constant('json-schema' as const), schema: fc.string() }),
  fc.record({ kind: fc.constant('regex' as const), pattern: fc.string({ unit: 'grapheme' }) }),
);
const request = fc.record(
  {
    requestId: fc.string({ maxLength: 256 }),
    prompt: fc.array(fc.oneof(text, image), { minLength: 1 }),
    sampling,
    maxTokens: fc.integer({ min: 100, max: 2 ** 31 - 1 }),
    stopTokenIds: fc.array(id),
    logprobs: fc.nat(20),
    minTokens: fc.integer({ min: 1, max: 100 }),
    grammar,
    priority: fc.integer(),
    tenant: fc.string({ maxLength: 256 }),
    answered: fc.array(id, { minLength: 1, maxLength: 99 }),
    deadlineMs: fc.nat(),
  },
  { requiredKeys: ['requestId', 'prompt', 'sampling', 'maxTokens', 'stopTokenIds', 'priority', 'tenant'] },
);

const minimal: GenerateRequestMessage = {
  requestId: '',
  prompt: [{ segment: { $case: 'tokens', value: { ids: [1, 2] } } }],
  sampling: undefined,
  maxTokens: 5,
  stopTokenIds: [],
  grammar: undefined,
  priority: 0,
  tenant: '',
  answered: [],
  minTokens: 0,
};

describe('a request over gRPC', () => {
  it('is read as it was written, bit for bit, embeddings included', () => {
    fc.assert(
      fc.property(request, (written) => {
        const keys = new Set(written.prompt.flatMap((segment) => (segment.kind === 'image' ? segment.key : [])));
        expect(overTheWire(toRequestMessage(written, keys), written.deadlineMs)).toEqual(written);
      }),
    );
  });

  it('leaves the embeddings behind that are not asked for', () => {
    const prompt = ['a', 'b'].map((key) => ({ kind: 'image', key, tokens: 2, embedding: embedding(2) }) as const);
    const written = { requestId: '', prompt, sampling: GREEDY, maxTokens: 1, stopTokenIds: [] };
    expect(overTheWire(toRequestMessage(written, new Set('b'))).prompt).toEqual([
      { kind: 'image', key: 'a', tokens: 2 },
      { kind: 'image', key: 'b', tokens: 2, embedding: embedding(2) },
    ]);
  });

  it('is greedy when it does not say how to sample, and keeps all tokens when it does not say which', () => {
    expect(overTheWire(minimal).sampling).toEqual(GREEDY);
    const { topP: _, repetitionPenalty: __, ...said } = { ...GREEDY, logitBias: new Map(), temperature: 1, seed: 1n };
    expect(overTheWire({ ...minimal, sampling: said }).sampling).toEqual({ ...GREEDY, temperature: 1, seed: 1 });
  });

  it('may send numbers of half the size', () => {
    const data = new Uint8Array(Float16Array.of(1, 0.1, -2).buffer);
    const half = { ...embedding(1), elementType: ElementType.ELEMENT_TYPE_FLOAT16, data };
    const [segment] = overTheWire({
      ...minimal,
      prompt: [{ segment: { $case: 'image', value: { key: 'k', tokens: 1, embedding: half } } }],
    }).prompt;
    expect(segment).toMatchObject({ embedding: { data: Float32Array.of(1, Math.f16round(0.1), -2) } });
  });
});

describe('a bad request', () => {
  const GREEDY_MESSAGE = { ...GREEDY, logitBias: new Map(), seed: 0n };
  const sampled = (options: object) => ({ sampling: { ...GREEDY_MESSAGE, ...options } });
  const prompt = (...segments: readonly unknown[]) => ({ prompt: segments.map((segment) => ({ segment })) });
  const picture = (fields: object) =>
    prompt({ $case: 'image', value: { key: 'k', tokens: 2, embedding: undefined, ...fields } });
  const bytes = new Uint8Array(2 * HIDDEN * 4);
  const inline = (fields: object) =>
    picture({
      embedding: { ...embedding(2), elementType: ElementType.ELEMENT_TYPE_FLOAT32, data: bytes, ...fields },
    });
  const ids = (...wrong: readonly number[]) => prompt({ $case: 'tokens', value: { ids: wrong } });

  it.each([
    ['request_id', { requestId: 'x'.repeat(257) }],
    ['tenant', { tenant: 'x'.repeat(257) }],
    ['max_tokens', { maxTokens: 0 }],
    ['max_tokens', { maxTokens: 2 ** 32 - 1 }],
    ['logprobs', { logprobs: 21 }],
    ['min_tokens', { minTokens: 6 }],
    ['stop_token_ids', { stopTokenIds: Array.from({ length: 1025 }, () => 1) }],
    ['stop_token_ids[1]', { stopTokenIds: [1, 1000] }],
    ['grammar', { grammar: { language: undefined } }],
    ['answered', { answered: [1, 2, 3, 4, 5] }],
    ['answered[1]', { answered: [1, 1000] }],
    ['prompt', prompt()],
    ['prompt', ids()],
    ['prompt', prompt(...Array.from({ length: 4097 }, () => ({ $case: 'tokens', value: { ids: [1] } })))],
    ['prompt[0]', prompt(undefined)],
    ['prompt[0].tokens.ids[2]', ids(1, 2, 1000)],
    ['prompt[0].image.key', picture({ key: '' })],
    ['prompt[0].image.key', picture({ key: 'a b' })],
    ['prompt[0].image.key', picture({ key: 'x'.repeat(257) })],
    ['prompt[0].image.tokens', picture({ tokens: 0 })],
    ['prompt[0].image.embedding.element_type', inline({ elementType: ElementType.ELEMENT_TYPE_UNSPECIFIED })],
    ['prompt[0].image.embedding.element_type', inline({ elementType: 3 })],
    ['prompt[0].image.embedding.data', inline({ data: bytes.subarray(1) })],
    ['prompt[0].image.embedding.data', inline({ elementType: ElementType.ELEMENT_TYPE_FLOAT16 })],
    ['prompt[0].image.embedding.hidden', inline({ hidden: 0 })],
    ['prompt[0].image.embedding.tokens', inline({ tokens: 2 ** 32 - 1 })],
    ['prompt[0].image.embedding.image_width', inline({ imageWidth: 0 })],
    ['prompt[0].image.embedding.image_height', inline({ imageHeight: 2 ** 21 })],
    ['sampling.temperature', sampled({ temperature: Number.NaN })],
    ['sampling.temperature', sampled({ temperature: -0.1 })],
    ['sampling.top_p', sampled({ topP: 0 })],
    ['sampling.top_p', sampled({ topP: Number.NaN })],
    ['sampling.top_p', sampled({ topP: 1.1 })],
    ['sampling.min_p', sampled({ minP: Number.POSITIVE_INFINITY })],
    ['sampling.repetition_penalty', sampled({ repetitionPenalty: 0 })],
    ['sampling.presence_penalty', sampled({ presencePenalty: -3 })],
    ['sampling.frequency_penalty', sampled({ frequencyPenalty: Number.NaN })],
    ['sampling.logit_bias[1000]', sampled({ logitBias: new Map([[1000, 1]]) })],
    ['sampling.logit_bias[7]', sampled({ logitBias: new Map([[7, Number.NaN]]) })],
    ['sampling.seed', sampled({ seed: 2n ** 53n })],
  ])('is refused by the name of its field: %s', (param, fields) => {
    const read = (): GenerateRequest => overTheWire({ ...minimal, ...(fields as Partial<GenerateRequestMessage>) });
    expect(read).toThrow(expect.objectContaining({ code: 'invalid_request', details: { param } }));
    expect(read).toThrow(`${param}: `);
  });

  const numbers = new Float32Array(2 * HIDDEN);
  numbers[4] = Number.POSITIVE_INFINITY;
  it.each([
    ['of another model', inline({ hidden: 2, tokens: 3 })],
    ['of a picture of another size', inline({ tokens: 1, data: bytes.subarray(0, 4 * HIDDEN) })],
    ['with numbers that are not finite', inline({ data: new Uint8Array(numbers.buffer) })],
  ])('is refused for an embedding %s, so that the picture is encoded again', (_, fields) => {
    const read = (): GenerateRequest => overTheWire({ ...minimal, ...(fields as Partial<GenerateRequestMessage>) });
    const details = { keys: 'k', param: 'prompt[0].image.embedding' };
    expect(read).toThrow(expect.objectContaining({ code: 'invalid_embedding', details }));
  });
});
