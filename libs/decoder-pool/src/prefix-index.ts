import type { Hash } from './hash.ts';

/** What is known of one beginning of prompts. */
interface Beginning {
  /** Where a prompt with it went last. */
  address: string;
  /** Beginnings that are one block longer. */
  children: number;
  /** Dialogs that have it in common. */
  dialogs: number;
}

/** What the index says of a prompt. */
export interface Known {
  /** Pod that has the state of the longest beginning that is known, if it is one dialog's: what several share is in several places. */
  readonly address?: string;
  /** Beginning that decides where such prompts go otherwise: the first one that is not everybody's. All gateways find the same. */
  readonly anchor: Hash;
}

/** Dialogs that make a beginning everybody's, at least. */
const MIN_SHARED = 8;

/** And the share of all dialogs, in shares of one pod: a few such beginnings fill a pod evenly, one larger one would not. */
const SHARE_OF_POD = 1 / 4;

/** Dialogs after which all counts are halved, so that they tell of recent ones. */
const RECENT_DIALOGS = 4096;

/**
 * Where prompts with the same beginning went, and which beginnings are everybody's: a system prompt that begins more of
 * the dialogs than a pod can take says nothing of where the state of one dialog is. What a dialog goes on with is a longer beginning;
 * a second dialog is told from it by where they part.
 */
export class PrefixIndex {
  readonly #capacity: number;
  /** The least recently used first. */
  readonly #beginnings = new Map<Hash, Beginning>();
  readonly #root: Beginning = { address: '', children: 0, dialogs: 1 };

  /** @param capacity beginnings that are kept; each takes about 100 bytes */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /**
   * Looks a prompt up.
   *
   * @param blocks of the prompt
   * @param pods that prompts can go to
   */
  lookUp(blocks: readonly Hash[], pods: number): Known {
    const found = blocks.map((block) => this.#beginnings.get(block));
    const own = found.findIndex((beginning) => !beginning || !this.#isShared(beginning, pods));
    const anchor = blocks.at(own) ?? 0;
    const longest = found.findLast((beginning) => beginning !== undefined);
    return longest?.dialogs === 1 ? { anchor, address: longest.address } : { anchor };
  }

  /** Notes where a prompt goes. */
  record(blocks: readonly Hash[], address: string): void {
    const path: Beginning[] = [this.#root];
    for (const block of blocks) {
      const parent = path.at(-1) ?? this.#root;
      const known = this.#beginnings.get(block);
      if (!known) {
        if (parent.children > 0) for (const shared of path) shared.dialogs++;
        parent.children++;
      }
      const beginning = known ?? { address, children: 0, dialogs: 1 };
      beginning.address = address;
      path.push(beginning);
    }
    this.#touch(blocks, path.slice(1));
    if (this.#root.dialogs > RECENT_DIALOGS) this.#age();
  }

  #isShared({ dialogs }: Beginning, pods: number): boolean {
    return dialogs >= MIN_SHARED && dialogs > (this.#root.dialogs * SHARE_OF_POD) / pods;
  }

  /** Longer beginnings are forgotten before the shorter ones that they consist of. */
  #touch(blocks: readonly Hash[], beginnings: readonly Beginning[]): void {
    for (let i = blocks.length - 1; i >= 0; i--) {
      const [block, beginning] = [blocks[i], beginnings[i]];
      if (block === undefined || !beginning) continue;
      this.#beginnings.delete(block);
      this.#beginnings.set(block, beginning);
    }
    for (const oldest of this.#beginnings.keys()) {
      if (this.#beginnings.size <= this.#capacity) return;
      this.#beginnings.delete(oldest);
    }
  }

  #age(): void {
    for (const beginning of [this.#root, ...this.#beginnings.values()]) {
      beginning.dialogs = Math.max(1, beginning.dialogs >> 1);
    }
  }
}
