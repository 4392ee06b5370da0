import { Counter } from 'prom-client';
import type { Registry } from './registry.ts';

const OUTCOMES = ['completed', 'failed', 'expired', 'retried'] as const;
const STATUSES = [
  'validating',
  'in_progress',
  'finalizing',
  'completed',
  'failed',
  'cancelling',
  'cancelled',
  'expired',
];

/** Metrics of batches, which they are told of as they go on. */
export interface BatchMetrics {
  entered(status: string): void;
  lineEnded(outcome: (typeof OUTCOMES)[number]): void;
}

/** Registers the metrics of batches. */
export const createBatchMetrics = (registry: Registry): BatchMetrics => {
  const registers = [registry];
  const entered = new Counter({
    name: 'eidetic_batch_entered_total',
    help: "Batches that entered a status by this process's doing: OpenAI's names, from validating to completed, failed, cancelled or expired.",
    labelNames: ['status'],
    registers,
  });
  const lines = new Counter({
    name: 'eidetic_batch_lines_total',
    help: 'Requests of batches by what became of them: completed, failed, expired; retried (again, and counted when it ends).',
    labelNames: ['outcome'],
    registers,
  });
  // From 0 on, so that the first of each counts as growth.
  for (const status of STATUSES) entered.inc({ status }, 0);
  for (const outcome of OUTCOMES) lines.inc({ outcome }, 0);
  return {
    entered: (status) => entered.inc({ status }),
    lineEnded: (outcome) => lines.inc({ outcome }),
  };
};
