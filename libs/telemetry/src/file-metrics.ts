import { Counter } from 'prom-client';
import type { Registry } from './registry.ts';

/** Metrics of the files of tenants; they are told of files as they come and go. */
export interface FileMetrics {
  added(file: { readonly purpose: string; readonly sizeBytes: number }): void;
  removed(files: { readonly count: number; readonly reason: 'deleted' | 'expired' }): void;
}

/** Registers the metrics of files. */
export const createFileMetrics = (registry: Registry): FileMetrics => {
  const registers = [registry];
  const added = new Counter({
    name: 'eidetic_file_added_total',
    help: 'Files that were uploaded, or written by batches, by purpose.',
    labelNames: ['purpose'],
    registers,
  });
  const bytes = new Counter({
    name: 'eidetic_file_added_bytes_total',
    help: 'Bytes of the files that were uploaded, or written by batches, by purpose.',
    labelNames: ['purpose'],
    registers,
  });
  const removed = new Counter({
    name: 'eidetic_file_removed_total',
    help: 'Files that were removed, by reason: deleted, expired.',
    labelNames: ['reason'],
    registers,
  });
  return {
    added({ purpose, sizeBytes }) {
      added.inc({ purpose });
      bytes.inc({ purpose }, sizeBytes);
    },
    removed({ count, reason }) {
      removed.inc({ reason }, count);
    },
  };
};
