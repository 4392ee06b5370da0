import { readFile } from 'node:fs/promises';
import { type Bundle, openBundle } from '@eidetic/bundle';
import * as ort from 'onnxruntime-node';
import { serve, type TextPeer } from './protocol.ts';
import { recordArrivals } from './record-arrivals.ts';

/** Stock onnxruntime-node on the bundle's decoder: `session.run` with the KV cache in and out as JavaScript tensors. */
export interface StockOrtOptions {
  readonly bundleDirectory: string;
  readonly threads: number;
  /**
   * Positions that the cache is made for at the start; 0 lets it grow with every step. Buffers of one size are what a static
   * graph or a batch needs, but every step copies them whole.
   */
  readonly capacity: number;
}

await serve<StockOrtOptions, TextPeer>(async ({ bundleDirectory, threads, capacity }) => {
  const bundle = await openBundle(bundleDirectory);
  const { decoder } = bundle.manifest;
  const session = await ort.InferenceSession.create(bundle.path(decoder.graph), { intraOpNumThreads: threads });
  const embed = await openEmbeddings(bundle);
  const cacheNames = Array.from({ length: decoder.layers }, (_, n) => [`${n}.key`, `${n}.value`]).flat();
  const outputNames = ['top_ids', ...cacheNames.map((name) => `present.${name}`)];
  const size = decoder.kvHeads * capacity * decoder.headDim;
  const empty = new ort.Tensor('float32', new Float32Array(size), [1, decoder.kvHeads, capacity, decoder.headDim]);

  /** As such programs are commonly written: what a step returns as `present` is the `past` of the next. */
  async function* generate(prompt: readonly number[]): AsyncIterable<number> {
    const offset = decoder.ropeTables.find(({ maxPrompt }) => prompt.length <= maxPrompt)?.offset ?? 0;
    const past: Record<string, ort.Tensor> = {};
    for (const name of cacheNames) past[`past_key_values.${name}`] = empty;
    let ids = prompt;
    let from = 0;
    while (true) {
      const total = from + ids.length;
      const positions = BigInt64Array.from(ids, (_, i) => BigInt(offset + from + i));
      const outputs = await session.run(
        {
          inputs_embeds: new ort.Tensor('float32', embed(ids), [1, ids.length, decoder.hidden]),
          position_ids: new ort.Tensor('int64', positions, [1, ids.length]),
          seqlens_k: new ort.Tensor('int32', Int32Array.of(total - 1), [1]),
          total_sequence_length: new ort.Tensor('int32', Int32Array.of(total), []),
          inverse_temperature: new ort.Tensor('float32', Float32Array.of(1), [1, 1]),
          ...past,
        },
        outputNames,
      );
      const id = Number(outputs.top_ids?.data[0]);
      yield id;
      for (const name of cacheNames) past[`past_key_values.${name}`] = outputs[`present.${name}`] ?? empty;
      from += ids.length;
      ids = [id];
    }
  }
  return { generate: (job) => recordArrivals(job, generate) };
});

async function openEmbeddings({ manifest, path }: Bundle): Promise<(ids: readonly number[]) => Float32Array> {
  const { file, dtype, hidden } = manifest.embeddings;
  const { buffer } = new Uint8Array(await readFile(path(file)));
  if (dtype === 'bfloat16') throw new Error('This peer reads float32 and float16 embeddings only.');
  const table = dtype === 'float16' ? new Float16Array(buffer) : new Float32Array(buffer);
  return (ids) => {
    const rows = new Float32Array(ids.length * hidden);
    ids.forEach((id, row) => {
      rows.set(table.subarray(id * hidden, (id + 1) * hidden), row * hidden);
    });
    return rows;
  };
}
