import { EideticError } from '@eidetic/core';
import { MAX_PRIORITY } from './encode-job-schema.ts';

/** Name of BullMQ's queue, and of its jobs. */
export const QUEUE_NAME = 'encode';

/** What its server is called in errors. */
export const REDIS_NAME = "The encode queue's Redis";

/** @throws EideticError `invalid_config` for a prefix without a hash tag: in a cluster, all keys of a queue must be in one slot. */
export function checkPrefix(prefix: string): void {
  if (/\{[^{}]+\}/.test(prefix)) return;
  throw new EideticError(
    'invalid_config',
    `The encode queue's prefix "${prefix}" has no hash tag; put a part of it in braces, as in "{eidetic}".`,
  );
}

/** BullMQ refuses colons in ids, which keys have. */
export const jobIdOf = (key: string): string => encodeURIComponent(key);

/** Who waits for a job: a sorted set of processes by deadline. */
export const waitersKeyOf = (prefix: string, jobId: string): string => `${prefix}:${QUEUE_NAME}-waiters:${jobId}`;

/** BullMQ's priority: from 1, which goes first. 0 would be a line of its own. */
export const bullPriorityOf = (priority: number): number => MAX_PRIORITY + 1 - priority;
