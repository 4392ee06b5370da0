import { type Bundle, precisionSchema } from '@eidetic/bundle';
import { DEFAULT_PRECISIONS, ensureBundle, type PartPrecisions } from '@eidetic/exporter';
import { qwenVlExport } from '@eidetic/qwen-vl/export';
import { allGoldens } from '../goldens.ts';
import { type DecoderSubject, decodeOne, decoderOf, type Embeddings, encode, qualityOf } from '../quality.ts';
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
