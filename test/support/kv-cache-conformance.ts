import { createKvCache, type KvCache, type KvShape } from '@eidetic/engine';
import { type Session, Tensor } from '@eidetic/ort';
import { expect, it } from 'vitest';

const SHAPE = { layers: 2, kvHeads: 3, headDim: 4 } as const;
const [SLOTS, CAPACITY] = [3, 8];

/** How a cache is made: `createKvCache`, or one of its kinds. */
type Create = typeof createKvCache;

/** What every KV cache keeps to, whatever its memory: run in a `describe` of each kind. */
export function describeKvCache(openSession: () => Session, create: Create = createKvCache): void {
  it.each(['float32', 'float16'] as const)('copies positions of a slot, and nothing else: %s', (dtype) => {
    const session = openSession();
    const shape: KvShape = { ...SHAPE, dtype };
    const kv = create(session, shape, SLOTS, CAPACITY);
    try {
      expect(kv.rows(0, 1).map(({ name }) => name)).toEqual(['0.key', '0.value', '1.key', '1.value']);
      fill(session, kv, dtype);
      const before = read(session, kv, dtype);
      kv.copy(2, 0, 1, 5);
      kv.copy(2, 1, 3, 3);
      const expected = before.map((layer) => layer.slice());
      for (const layer of expected) {
        for (let head = 0; head < SHAPE.kvHeads; head++) {
          for (let i = SHAPE.headDim; i < 5 * SHAPE.headDim; i++) {
            layer[at(0, head) + i] = layer[at(2, head) + i] ?? Number.NaN;
          }
        }
      }
      expect(read(session, kv, dtype)).toEqual(expected);
    } finally {
      kv.release();
    }
  });

  it('gives rows that share its memory, which begins as zeros', () => {
    const session = openSession();
    const kv = create(session, { ...SHAPE, dtype: 'float16' }, SLOTS, CAPACITY);
    try {
      const zeros = new Array(SLOTS * SHAPE.kvHeads * CAPACITY * SHAPE.headDim).fill(0);
      expect(read(session, kv, 'float16').map((layer) => [...layer])).toEqual(new Array(4).fill(zeros));
      const [row] = kv.rows(1, 1);
      const ones = new Float16Array(SHAPE.kvHeads * CAPACITY * SHAPE.headDim).fill(1);
      if (row) session.copy(Tensor.fromArray(ones, row.tensor.dims), row.tensor);
      const [first] = read(session, kv, 'float16');
      expect([...(first ?? [])].indexOf(1)).toBe(at(1, 0));
      expect([...(first ?? [])].filter((x) => x === 1)).toHaveLength(ones.length);
    } finally {
      kv.release();
    }
  });
}

const at = (slot: number, head: number): number => (slot * SHAPE.kvHeads + head) * CAPACITY * SHAPE.headDim;

const arrayOf = (dtype: KvShape['dtype'], length: number) =>
  dtype === 'float16' ? new Float16Array(length) : new Float32Array(length);

/** Numbers that tell where they are, and are exact in float16. */
function fill(session: Session, kv: KvCache, dtype: KvShape['dtype']): void {
  kv.rows(0, SLOTS).forEach(({ tensor }, layer) => {
    const values = arrayOf(dtype, SLOTS * SHAPE.kvHeads * CAPACITY * SHAPE.headDim);
    values.set(Array.from(values, (_, i) => layer * values.length + i + 1));
    session.copy(Tensor.fromArray(values, tensor.dims), tensor);
    tensor.release();
  });
}

function read(session: Session, kv: KvCache, dtype: KvShape['dtype']) {
  return kv.rows(0, SLOTS).map(({ tensor }) => {
    const values = arrayOf(dtype, SLOTS * SHAPE.kvHeads * CAPACITY * SHAPE.headDim);
    session.copy(tensor, Tensor.fromArray(values, tensor.dims));
    tensor.release();
    return values;
  });
}
