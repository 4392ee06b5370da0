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

/** A pod may have so many times its share of the load before requests pass it by. */
const LOAD_FACTOR = 1.25;

/**
 * Nor do they pass it by while so much of its slots is in use at most: nobody waits there, and to compute a prompt again is dearer than
 * company. Where the state is for certain, all slots may be.
 */
const FREE_TO_USE = 0.75;

/** Whether a pod takes another request: its share is counted with that one. */
const roomIn = <P extends PodLoad>(pods: readonly P[]) => {
  const requests = pods.reduce((sum, pod) => sum + pod.requests, 0);
  const slots = pods.reduce((sum, pod) => sum + pod.slots, 0);
  return (pod: P, freeToUse: number): boolean =>
    pod.requests < Math.max(pod.slots * freeToUse, Math.ceil((LOAD_FACTOR * (requests + 1) * pod.slots) / slots));
};

/** Pods in the order of preference of a hash (rendezvous hashing, Thaler and Ravishankar 1998): a pod that comes or goes moves only its own. */
const byPreference = <P extends PodLoad>(pods: readonly P[], anchor: Hash): readonly P[] =>
  pods
    .map((pod) => ({ pod, weight: hashNumbers(anchor, [hashText(pod.address)]) }))
    .sort((a, b) => b.weight - a.weight)
    .map(({ pod }) => pod);

const fill = ({ requests, slots }: PodLoad): number => requests / slots;

/**
 * The pod for a request: where the state of its beginning is, or else the first choice of its hash, unless that one has more than its
 * share of the load (consistent hashing with bounded loads, Mirrokni et al. 2018); then the next choice.
 *
 * @returns undefined if there are no pods
 */
export const choosePod = <P extends PodLoad>(pods: readonly P[], { address, anchor }: Known): Choice<P> | undefined => {
  const hasRoom = roomIn(pods);
  const holder = pods.find((pod) => pod.address === address);
  if (holder && hasRoom(holder, 1)) return { pod: holder, reason: 'prefix' };
  const preference = byPreference(pods, anchor);
  const place = preference.findIndex((pod) => hasRoom(pod, FREE_TO_USE));
  const pod = preference[place];
  if (pod) return { pod, reason: place === 0 && !holder ? 'hash' : 'spill' };
  const least = preference.reduce<P | undefined>((a, b) => (a && fill(a) <= fill(b) ? a : b), undefined);
  return least && { pod: least, reason: 'least_loaded' };
};
