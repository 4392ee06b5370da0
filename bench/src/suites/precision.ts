import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { type Bundle, precisionSchema } from '@eidetic/bundle';
import type { ImageEmbedding } from '@eidetic/core';
import { EmbeddingTable, ModelRunner } from '@eidetic/engine';
import { DEFAULT_PRECISIONS, ensureBundle, type PartPrecisions } from '@eidetic/exporter';
import { createImagePool } from '@eidetic/image';
import { Environment } from '@eidetic/ort';
import { createPreprocess } from '@eidetic/qwen-vl';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { createVisionEncoder } from '@eidetic/vision';
import { allGoldens, type Golden, picturesOf } from '../goldens.ts';
import { alternate, type Probe } from '../rounds.ts';
import type { Suite, SuiteContext } from '../suite.ts';

const PAST = 200;
const STEPS = 48;
const PREFILL = 256;

/**
 * What each storage of the weights costs and loses on this machine: the choice of the default rests on it. Quality is measured on
 * the reference cases: error of features and of first logits, and answers that are the reference's token for token.
 */
export const precisionSuite: Suite = {
  name: 'precision',
  async run(context) {
    await using started = new AsyncDisposableStack();
    const goldens = await allGoldens();
    const facts: Record<string, string | number> = {
      'reference cases': goldens.length,
      default: `vision ${DEFAULT_PRECISIONS.vision}, decoder ${DEFAULT_PRECISIONS.decoder}, head ${DEFAULT_PRECISIONS.head}`,
    };
    const exact = await encode(started, await bundleOf(context, { vision: 'float32' }), goldens);
    const probes: Probe[] = [];
    for (const vision of precisionSchema.options) {
      const subject = await encode(started, await bundleOf(context, { vision }), goldens);
      facts[`vision ${vision}: largest relative error of features`] = worstFeatureError(
        subject.embeddings,
        exact.embeddings,
      );
      probes.push({
        contender: `vision ${vision}`,
        metric: 'one new picture, ms',
        better: 'lower',
        measure: subject.timeOne,
      });
    }
    for (const [decoder, head] of DECODERS) {
      const runner = await decoderOf(started, await bundleOf(context, { decoder, head }), context.threads);
      const name = decoder === head ? decoder : `${decoder}, head ${head}`;
      const quality = await qualityOf(runner, goldens, exact.embeddings);
      facts[`decoder ${name}: mean error of first logits`] = quality.logitError;
      facts[`decoder ${name}: answers as the reference`] = quality.same;
      probes.push(
        { contender: name, metric: `decode after ${PAST}, ms/token`, better: 'lower', measure: () => decodeMs(runner) },
        { contender: name, metric: `prefill of ${PREFILL}, ms`, better: 'lower', measure: () => prefillMs(runner) },
      );
    }
    return {
      name: 'precision',
      title: `Storage of the weights, ${context.threads} threads`,
      facts,
      measurements: await alternate(probes, context.rounds),
    };
  },
};

const DECODERS = [
  ['float32', 'float32'],
  ['float16', 'float16'],
  ['int8', 'int8'],
  ['int4', 'int8'],
  ['int4', 'int4'],
] as const;

function bundleOf(context: SuiteContext, precisions: Partial<PartPrecisions>): Promise<Bundle> {
  return ensureBundle({
    checkpointDirectory: context.checkpointDirectory,
    cacheDirectory: context.cacheDirectory,
    family: qwenVlExport,
    precisions: { vision: 'float32', decoder: 'float32', head: 'float32', ...precisions },
    activations: 'float32',
  });
}

type Embeddings = ReadonlyMap<string, ImageEmbedding>;

/** Encodes every picture of the cases, and offers to time one of them. */
async function encode(
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

function worstFeatureError(found: Embeddings, exact: Embeddings): number {
  const errors = Array.from(exact, ([name, { data }]) => {
    const other = found.get(name)?.data ?? new Float32Array();
    let difference = 0;
    let norm = 0;
    for (const [i, x] of data.entries()) {
      difference += (x - (other[i] ?? Number.NaN)) ** 2;
      norm += x ** 2;
    }
    return Math.sqrt(difference / norm);
  });
  return Math.max(...errors);
}

/** A decoder alone: prompts of golden cases in, logits out. */
interface DecoderSubject {
  readonly runner: ModelRunner;
  readonly table: EmbeddingTable;
  readonly bundle: Bundle;
}

async function decoderOf(started: AsyncDisposableStack, bundle: Bundle, threads: number): Promise<DecoderSubject> {
  const path = bundle.path(bundle.manifest.decoder.graph);
  const session = started.adopt(await Environment.load().createSession(path, { intraOpThreads: threads }), (s) =>
    s.release(),
  );
  const runner = started.adopt(new ModelRunner(session, bundle, 1, 1024), (r) => r.release());
  const table = started.adopt(new EmbeddingTable(bundle), (t) => t.close());
  return { runner, table, bundle };
}

/** Mean absolute error of the reference's five largest first logits, and answers that are the reference's. */
async function qualityOf(subject: DecoderSubject, goldens: readonly Golden[], embeddings: Embeddings) {
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

async function decodeOne({ runner, table }: DecoderSubject, id: number, position: number): Promise<number> {
  const embed = (target: Float32Array): void => table.read(id, target);
  const scores = await runner.decode(0, [{ position, ropeOffset: 0, inverseTemperature: 1, embed }]);
  return Number(scores(0).topIds[0]);
}

async function decodeMs(subject: DecoderSubject): Promise<number> {
  const started = performance.now();
  for (let step = 0; step < STEPS; step++) await decodeOne(subject, step, PAST + step);
  return (performance.now() - started) / STEPS;
}

async function prefillMs({ runner, bundle }: DecoderSubject): Promise<number> {
  const embeddings = Float32Array.from(
    { length: PREFILL * bundle.manifest.decoder.hidden },
    (_, i) => Math.sin(i) / 10,
  );
  const started = performance.now();
  await runner.prefill({ slot: 0, start: 0, ropeOffset: 0, inverseTemperature: 1, embeddings });
  return performance.now() - started;
}
