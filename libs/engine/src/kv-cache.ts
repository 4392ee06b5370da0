import type { Manifest } from '@eidetic/bundle';
import { EideticError } from '@eidetic/core';
import { type Session, Tensor } from '@eidetic/ort';
import { floatArrayOf } from './float-array.ts';

/** Keys and values of every layer, for a number of slots of the same capacity. */
export interface KvCache {
  /** Positions that are to be copied at a time, so that nobody's next token waits long. */
  readonly copyRows: number;
  /** Copies the state of positions `start` to `end` from one slot to another. */
  copy(from: number, to: number, start: number, end: number): void;
  /** Tensors over `count` slots from `first` on, by the suffix of their names in the graph (`3.key`). The caller releases them. */
  rows(first: number, count: number): { name: string; tensor: Tensor }[];
  release(): void;
}

/** Sizes of a model's keys and values. */
export type KvShape = Pick<Manifest['decoder'], 'layers' | 'kvHeads' | 'headDim' | 'dtype'>;

/** Copies on the host are cut into pieces of about this size, on a GPU of this size: each takes about a millisecond or some. */
const COPY_BYTES = { cpu: 16 * 2 ** 20, cuda: 512 * 2 ** 20 } as const;

/**
 * A cache for `slots` sequences of up to `capacity` positions, where the session computes.
 *
 * @throws EideticError `invalid_config` when there is not so much memory
 */
export function createKvCache(session: Session, shape: KvShape, slots: number, capacity: number): KvCache {
  const create = session.location === 'cpu' ? createHostKvCache : createDeviceKvCache;
  try {
    return create(session, shape, slots, capacity);
  } catch (cause) {
    const gibibytes = Math.ceil((bytesPerPosition(shape) * slots * capacity) / 2 ** 30);
    const where = session.location === 'cpu' ? '' : ' of the GPU';
    throw new EideticError(
      'invalid_config',
      `Keys and values of ${slots} slots of ${capacity} positions take ${gibibytes} GiB${where}, which cannot be had. ` +
        'Take fewer slots or a shorter context.',
      { cause },
    );
  }
}

/** In memory of this process. */
export function createHostKvCache(_: Session, shape: KvShape, slots: number, capacity: number): KvCache {
  const { kvHeads: heads, headDim, dtype } = shape;
  const ArrayOf = floatArrayOf(dtype);
  const row = heads * capacity * headDim;
  // Fresh memory is zero pages that take no room until a position is written.
  const layers = namesOf(shape).map((name) => ({ name, data: new ArrayOf(slots * row) }));
  return {
    copyRows: rowsOf(COPY_BYTES.cpu, shape),
    copy(from, to, start, end) {
      for (const { data } of layers) {
        for (let head = 0; head < heads; head++) {
          const source = (from * heads + head) * capacity;
          const target = (to * heads + head) * capacity;
          data.copyWithin((target + start) * headDim, (source + start) * headDim, (source + end) * headDim);
        }
      }
    },
    rows: (first, count) =>
      layers.map(({ name, data }) => ({
        name,
        tensor: Tensor.fromArray(data.subarray(first * row, (first + count) * row), [count, heads, capacity, headDim]),
      })),
    release: () => undefined,
  };
}

/** In memory of the session's device, where graphs update it in place and copies stay. */
export function createDeviceKvCache(session: Session, shape: KvShape, slots: number, capacity: number): KvCache {
  const { kvHeads: heads, headDim, dtype } = shape;
  const row = heads * capacity * headDim;
  const layers: { name: string; tensor: Tensor }[] = [];
  const release = (): void => {
    for (const { tensor } of layers) tensor.release();
  };
  try {
    for (const name of namesOf(shape)) {
      const tensor = session.allocate(dtype, [slots, heads, capacity, headDim]);
      layers.push({ name, tensor });
      session.clear(tensor);
    }
  } catch (error) {
    release();
    throw error;
  }
  return {
    copyRows: rowsOf(COPY_BYTES.cuda, shape),
    copy(from, to, start, end) {
      const runs = { length: (end - start) * headDim, stride: capacity * headDim, count: heads };
      for (const { tensor } of layers) {
        session.copyRuns(tensor, from * row + start * headDim, to * row + start * headDim, runs);
      }
    },
    rows: (first, count) =>
      layers.map(({ name, tensor }) => ({
        name,
        tensor: tensor.view(first * row, [count, heads, capacity, headDim]),
      })),
    release,
  };
}

const namesOf = ({ layers }: KvShape): readonly string[] =>
  Array.from({ length: layers }, (_, i) => [`${i}.key`, `${i}.value`]).flat();

const bytesPerPosition = ({ layers, kvHeads, headDim, dtype }: KvShape): number =>
  layers * 2 * kvHeads * headDim * floatArrayOf(dtype).BYTES_PER_ELEMENT;

const rowsOf = (bytes: number, shape: KvShape): number => Math.max(1, Math.floor(bytes / bytesPerPosition(shape)));
