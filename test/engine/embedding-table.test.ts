import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { EmbeddingTable } from '@eidetic/engine';
import { DEFAULT_PRECISIONS } from '@eidetic/exporter';
import { expect, it, onTestFinished } from 'vitest';
import { testBundle } from '../support/bundles.ts';

/** Exact in every type. */
const ROW = [1.5, -2, 0.0078125, 0];

it.each([
  ['float32', new Float32Array(ROW)],
  ['float16', new Float16Array(ROW)],
  ['bfloat16', Uint16Array.from(new Uint32Array(new Float32Array(ROW).buffer), (bits) => bits >>> 16)],
] as const)('reads rows of %s into activations of either type', async (dtype, row) => {
  const folder = await mkdtemp(join(tmpdir(), 'embedding-table-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const rows = Buffer.concat([new Uint8Array(row.byteLength), new Uint8Array(row.buffer)]);
  await writeFile(join(folder, 'table'), rows);
  const { manifest } = await testBundle(DEFAULT_PRECISIONS);
  const embeddings = { file: 'table', dtype, rows: 2, hidden: ROW.length };
  const table = new EmbeddingTable({
    directory: folder,
    manifest: { ...manifest, embeddings },
    path: (file) => join(folder, file),
  });
  for (const target of [new Float32Array(4), new Float16Array(4)]) {
    table.read(1, target);
    expect([...target]).toEqual(ROW);
    table.read(0, target);
    expect([...target]).toEqual([0, 0, 0, 0]);
  }
  table.close();
});
