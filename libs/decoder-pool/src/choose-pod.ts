import type { RouteReason } from '@eidetic/core';
import { type Hash, hashNumbers, hashText } from './hash.ts';
import type { Known } from './prefix-index.ts';

/** A pod as routing sees it. */
export interface PodLoad {
  readonly address: string;
  /** Requests that it runs or that wait there. */
  readonly requests: number;
  /** Requests that it can run at the same time. */
  readonly slots: number;
}

/** Where a request goes, and why. */
export interface Choice<P extends PodLoad> {
  readonly pod: P;
  readonly reason: RouteReason;
}

/** When requests pass a pod by. */
export interface LoadBounds {
  /** So many times its share of the load a pod may have before they do. */
  readonly loadFactor: number;
  /**
   * Nor do they while so much of its slots is in use at most: nobody waits there, and to compute a prompt again is dearer than
   * company. Where the state is for certain, all slots may be.
   */
  readonly freeToUse: number;
}

/** What the pool goes by; where it comes from: docs/decisions/0026-defaults-by-simulation.md. */
export const LOAD_BOUNDS: LoadBounds = { loadFactor: 1.25, freeToUse: 0.75 };

/** Whether a pod takes another request: its share is counted with that one. */
const roomIn = <P extends PodLoad>(pods: readonly P[], loadFactor: number) => {
  const requests = pods.reduce((sum, pod) => sum + pod.requests, 0);
  const slots = pods.reduce((sum, pod) => sum + pod.slots, 0);
  return (pod: P, freeToUse: number): boolean =>
    pod.requests < Math.max(pod.slots * freeToUse, Math.ceil((loadFactor * (requests + 1) * pod.slots) / slots));
};

/** Hashes of addresses: pods are many and requests more, addresses stay the same. */
const hashes = new Map<string, Hash>();
const MAX_HASHES = 2 ** 14;

const hashOf = (address: string): Hash => {
  const known = hashes.get(address);
  if (known !== undefined) return known;
  if (hashes.size >= MAX_HASHES) hashes.clear();
  const hash = hashText(address);
  hashes.set(address, hash);
  return hash;
};

/** How much a hash prefers a pod (rendezvous hashing, Thaler and Ravishankar 1998): one that comes or goes moves only its own. */
const preferenceOf = (anchor: Hash, { address }: PodLoad): number => hashNumbers(anchor, [hashOf(address)]);

const fill = ({ requests, slots }: PodLoad): number => requests / slots;

/** A pod, and how much the hash of a request prefers it. */
interface Ranked<P> {
  readonly pod: P;
  readonly preference: number;
}

const isLess = <P extends PodLoad>(a: Ranked<P>, b: Ranked<P>): boolean =>
  fill(a.pod) < fill(b.pod) || (fill(a.pod) === fill(b.pod) && a.preference > b.preference);

/**
 * The pod for a request: where the state of its beginning is, or else the first choice of its hash, unless that one has more than its
 * share of the load (consistent hashing with bounded loads, Mirrokni et al. 2018); then the next choice.
 *
 * @returns undefined if there are no pods
 */
export const choosePod = <P extends PodLoad>(
  pods: readonly P[],
  { address, anchor }: Known,
  { loadFactor, freeToUse } = LOAD_BOUNDS,
): Choice<P> | undefined => {
  const hasRoom = roomIn(pods, loadFactor);
  const holder = pods.find((pod) => pod.address === address);
  if (holder && hasRoom(holder, 1)) return { pod: holder, reason: 'prefix' };
  let first: Ranked<P> | undefined;
  let open: Ranked<P> | undefined;
  let least: Ranked<P> | undefined;
  for (const pod of pods) {
    const ranked = { pod, preference: preferenceOf(anchor, pod) };
    if (!first || ranked.preference > first.preference) first = ranked;
    if ((!open || ranked.preference > open.preference) && hasRoom(pod, freeToUse)) open = ranked;
    if (!least || isLess(ranked, least)) least = ranked;
  }
  if (open) return { pod: open.pod, reason: open === first && !holder ? 'hash' : 'spill' };
  return least && { pod: least.pod, reason: 'least_loaded' };
};
