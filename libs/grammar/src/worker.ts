import { parentPort, workerData } from 'node:worker_threads';
import { EideticError } from '@eidetic/core';
import { LRUCache } from 'lru-cache';
import { buildAutomaton } from './automaton.ts';
import { createFollower, type Follower, type Position } from './follower.ts';
import type { WorkerReply, WorkerRequest, WorkerSetup } from './protocol.ts';
import { buildTokenTrie } from './token-trie.ts';

const setup = workerData as WorkerSetup;
const { bytes, offsets, vocab, limits } = setup;
const trie = buildTokenTrie(bytes, offsets);
const followers = new LRUCache<string, Follower>({ max: limits.maxCompiled });
const masks = new LRUCache<Position, Int32Array>({ max: limits.maxMasks });

/** An answer that is being followed. */
interface Following {
  readonly follower: Follower;
  readonly stopTokenIds: readonly number[];
  /** `undefined` behind a stop token. */
  position: Position | undefined;
}
const matchers = new Map<number, Following>();

function open(request: Extract<WorkerRequest, { kind: 'open' }>): WorkerReply {
  let follower = followers.get(request.key);
  if (follower === undefined) {
    follower = createFollower(buildAutomaton(request.rules, limits.maxStates), trie, vocab);
    followers.set(request.key, follower);
  }
  const following: Following = { follower, stopTokenIds: request.stopTokenIds, position: follower.start() };
  matchers.set(request.matcher, following);
  for (const token of request.history) if (!take(following, token)) return { kind: 'rejected' };
  return maskOf(following);
}

/** Whether the token fits; then it is taken. */
function take(following: Following, token: number): boolean {
  const { position, follower } = following;
  if (position === undefined) return false;
  if (follower.size() > limits.maxPositions) follower.forget();
  if (following.stopTokenIds.includes(token)) {
    following.position = undefined;
    return position.mayEnd;
  }
  const word = bytes.subarray(offsets[token], offsets[token + 1]);
  following.position = word.length === 0 ? undefined : follower.advance(position, word);
  return following.position !== undefined;
}

function maskOf({ follower, position, stopTokenIds }: Following): WorkerReply {
  if (position === undefined) return { kind: 'mask', mask: new Int32Array(Math.ceil(vocab / 32)) };
  let known = masks.get(position);
  if (known === undefined) {
    known = follower.mask(position);
    masks.set(position, known);
  }
  const mask = known.slice();
  for (const id of stopTokenIds) {
    const word = mask[id >> 5] ?? 0;
    mask[id >> 5] = position.mayEnd ? word | (1 << (id % 32)) : word & ~(1 << (id % 32));
  }
  return { kind: 'mask', mask };
}

function answer(request: WorkerRequest): WorkerReply | undefined {
  switch (request.kind) {
    case 'open':
      return open(request);
    case 'accept': {
      const following = matchers.get(request.matcher);
      return following !== undefined && take(following, request.token) ? maskOf(following) : { kind: 'rejected' };
    }
    case 'release':
      matchers.delete(request.matcher);
      return undefined;
    case 'usage':
      return { kind: 'usage', matchers: matchers.size, compiled: followers.size };
  }
}

parentPort?.on('message', (request: WorkerRequest) => {
  let reply: WorkerReply | undefined;
  try {
    reply = answer(request);
  } catch (reason) {
    const { code, message } = EideticError.from(reason);
    reply = { kind: 'refused', code, message };
  }
  // The mask is nobody else's, so it can go without being copied again.
  if (reply !== undefined)
    parentPort?.postMessage(reply, reply.kind === 'mask' ? [reply.mask.buffer as ArrayBuffer] : []);
});
parentPort?.postMessage({ kind: 'ready' } satisfies WorkerReply);
