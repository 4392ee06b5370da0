import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { Bundle } from '@eidetic/bundle';
import type { ImageEmbedding } from '@eidetic/core';
import { EmbeddingTable, type FloatArray, ModelRunner } from '@eidetic/engine';
import { createImagePool } from '@eidetic/image';
import { Environment } from '@eidetic/ort';
import { createPreprocess } from '@eidetic/qwen-vl';
import { createVisionEncoder } from '@eidetic/vision';
import { type Golden, picturesOf } from './goldens.ts';

/** Embeddings by the picture's path. */
export type Embeddings = ReadonlyMap<string, ImageEmbedding>;

/** Encodes every picture of the cases, and offers to time one of them. */
export async function encode(
  started: AsyncDisposableStack,
  bundle: Bundle,
  goldens: readonly Golden[],
): Promise<{ embeddings: Embeddings; timeOne: () => Promise<number> }> {
  const pool = started.adopt(createImagePool({ threads: 1 }), (open) => open.close());
  const encoder = started.adopt(
    await createVisionEncoder({
      bundle,
      environment: Environment.load(),
      session: { intraOpThreads: availableParallelism() },
      preprocess: createPreprocess(pool, bundle.manifest.vision.imageSize),
      maxBatch: 1,
    }),
    (open) => open.close(),
  );
  const one = async (name: string): Promise<{ embedding: ImageEmbedding; encodeMs: number }> => {
    const [result] = await encoder.encode([await readFile(name)]);
    if (!result?.ok) throw new Error(`${name} cannot be encoded.`, { cause: result?.error });
    return { embedding: result.embedding, encodeMs: result.timings.encodeMs };
  };
  const names = goldens.flatMap(picturesOf);
  const embeddings = new Map<string, ImageEmbedding>();
  for (const name of names) embeddings.set(name, (await one(name)).embedding);
  return { embeddings, timeOne: async () => (await one(names[0] ?? '')).encodeMs };
}

/** A decoder alone: prompts of golden cases in, logits out. */
export interface DecoderSubject {
  readonly runner: ModelRunner;
  readonly table: EmbeddingTable;
  readonly bundle: Bundle;
}

/** Loads a bundle's decoder for prompts of up to 1024 positions, one at a time. */
export async function decoderOf(
  started: AsyncDisposableStack,
  bundle: Bundle,
  threads: number,
): Promise<DecoderSubject> {
  const path = bundle.path(bundle.manifest.decoder.graph);
  const session = started.adopt(await Environment.load().createSession(path, { intraOpThreads: threads }), (s) =>
    s.release(),
  );
  const runner = started.adopt(new ModelRunner(session, bundle, { slots: 1, capacity: 1024 }), (r) => r.release());
  const table = started.adopt(new EmbeddingTable(bundle), (t) => t.close());
  return { runner, table, bundle };
}

/** Mean absolute error of the reference's five largest first logits, and answers that are the reference's. */
export async function qualityOf(subject: DecoderSubject, goldens: readonly Golden[], embeddings: Embeddings) {
  let error = 0;
  let same = 0;
  const { stopTokenIds } = subject.bundle.manifest.generation;
  for (const golden of goldens) {
    const scores = await prefill(subject, golden, embeddings);
    for (const { id, logit } of golden.first_step_top5) error += Math.abs((scores.logits[id] ?? Number.NaN) - logit);
    const answer: number[] = [];
    let next = Number(scores.topIds[0]);
    while (!stopTokenIds.includes(next) && answer.length < golden.output_ids.length + 1) {
      answer.push(next);
      next = await decodeOne(subject, next, golden.prompt_ids.length + answer.length - 1);
    }
    same += Number(answer.join() === golden.output_ids.join());
  }
  return { logitError: error / (5 * goldens.length), same: `${same} of ${goldens.length}` };
}

async function prefill({ runner, table, bundle }: DecoderSubject, golden: Golden, pictures: Embeddings) {
  const { hidden } = bundle.manifest.decoder;
  const pad = bundle.manifest.tokenizer.special['<imgpad>'];
  const embeddings = new Float32Array(golden.prompt_ids.length * hidden);
  const rows = picturesOf(golden).flatMap((name) => {
    const { data, tokens } = pictures.get(name) ?? { data: new Float32Array(), tokens: 0 };
    return Array.from({ length: tokens }, (_, i) => data.subarray(i * hidden, (i + 1) * hidden));
  });
  for (const [i, id] of golden.prompt_ids.entries()) {
    const target = embeddings.subarray(i * hidden, (i + 1) * hidden);
    if (id === pad) target.set(rows.shift() ?? []);
    else table.read(id, target);
  }
  return runner.prefill({ slot: 0, start: 0, ropeOffset: 0, inverseTemperature: 1, embeddings });
}

/** One decode step: the likeliest token after `id` at `position`. */
export async function decodeOne({ runner, table }: DecoderSubject, id: number, position: number): Promise<number> {
  const embed = (target: FloatArray): void => table.read(id, target);
  const scores = await runner.decode(0, [{ position, ropeOffset: 0, inverseTemperature: 1, embed }]);
  return Number(scores(0).topIds[0]);
}
