import { choosePod, type LoadBounds, type PodLoad, PrefixIndex } from '@eidetic/decoder-pool';
import type { Random } from './random.ts';
import type { SimulatedDecoder } from './simulated-decoder.ts';
import type { Turn } from './turn.ts';

/** How gateways choose decoders. */
export type RoutingPolicy = 'affinity' | 'least_load' | 'round_robin';

/** How routing is set up. */
export interface RoutingOptions {
  readonly policy: RoutingPolicy;
  readonly bounds: LoadBounds;
  /** Turns that a gateway remembers. */
  readonly rememberedTurns: number;
}

/** A decoder as one gateway sees it: what it reported last, and what this gateway has sent since. */
class PodView implements PodLoad {
  readonly decoder: SimulatedDecoder;
  #reportMs = Number.NaN;
  #sentSince = 0;

  constructor(decoder: SimulatedDecoder) {
    this.decoder = decoder;
  }

  get address(): string {
    return this.decoder.address;
  }

  get slots(): number {
    return this.decoder.slots;
  }

  get requests(): number {
    return this.decoder.reported + (this.decoder.reportedMs === this.#reportMs ? this.#sentSince : 0);
  }

  sent(): void {
    const { reportedMs } = this.decoder;
    this.#sentSince = reportedMs === this.#reportMs ? this.#sentSince + 1 : 1;
    this.#reportMs = reportedMs;
  }
}

/** Names of beginnings of prompts, as numbers for libs/decoder-pool: one for the system prompt, each picture, each turn. */
const blocksOf = ({ picture, dialog, index }: Turn): readonly number[] => {
  const blocks = [1];
  if (picture !== undefined) blocks.push(2 * picture + 2);
  for (let turn = 0; turn <= index; turn++) blocks.push(2 * (dialog * 64 + turn) + 3);
  return blocks;
};

/** One gateway's choice of decoders. Affinity is the code of libs/decoder-pool. */
export class Router {
  readonly #options: RoutingOptions;
  readonly #random: Random;
  readonly #index: PrefixIndex;
  #views: PodView[] = [];
  #next: number;

  constructor(options: RoutingOptions, random: Random) {
    this.#options = options;
    this.#random = random;
    this.#index = new PrefixIndex(options.rememberedTurns);
    this.#next = random.below(2 ** 20);
  }

  /** Takes over which decoders there are. */
  update(decoders: readonly SimulatedDecoder[]): void {
    const known = new Map(this.#views.map((view) => [view.decoder, view]));
    this.#views = decoders.map((decoder) => known.get(decoder) ?? new PodView(decoder));
  }

  /** The decoder for a turn. There must be one. */
  choose(turn: Turn): SimulatedDecoder {
    const view = this.#choose(turn);
    if (!view) throw new Error('There is no decoder.');
    view.sent();
    return view.decoder;
  }

  #choose(turn: Turn): PodView | undefined {
    const { policy, bounds } = this.#options;
    if (policy === 'round_robin') return this.#views[this.#next++ % this.#views.length];
    if (policy === 'least_load') return this.#leastLoaded();
    const blocks = blocksOf(turn);
    const view = choosePod(this.#views, this.#index.lookUp(blocks, this.#views.length), bounds)?.pod;
    if (view) this.#index.record(blocks, view.address);
    return view;
  }

  #leastLoaded(): PodView | undefined {
    let least: PodView | undefined;
    let [fewest, equals] = [Number.POSITIVE_INFINITY, 0];
    for (const view of this.#views) {
      const { requests } = view;
      if (requests > fewest) continue;
      equals = requests < fewest ? 1 : equals + 1;
      if (equals === 1 || this.#random.below(equals) === 0) least = view;
      fewest = requests;
    }
    return least;
  }
}
