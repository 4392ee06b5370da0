import type { CallOptions } from './client.ts';
import type { Files } from './files.ts';
import { listAll } from './pages.ts';
import { wait } from './retry.ts';
import type { Transport } from './transport.ts';

/** How far a batch has come. */
export type BatchStatus =
  | 'validating'
  | 'failed'
  | 'in_progress'
  | 'finalizing'
  | 'completed'
  | 'expired'
  | 'cancelling'
  | 'cancelled';

/** Many requests that are answered when there is time. */
export interface Batch {
  readonly id: string;
  readonly object: 'batch';
  readonly endpoint: string;
  readonly status: BatchStatus;
  readonly input_file_id: string;
  readonly completion_window: string;
  /** File with the answers, one a line, once there are some. */
  readonly output_file_id?: string | null;
  /** File with the requests that failed, one a line, once there are some. */
  readonly error_file_id?: string | null;
  /** What is wrong with the input file, of a batch that failed. */
  readonly errors?: {
    readonly data: readonly {
      readonly code: string;
      readonly message: string;
      readonly line?: number | null;
      readonly param?: string | null;
    }[];
  } | null;
  readonly request_counts?: { readonly total: number; readonly completed: number; readonly failed: number };
  /** Unix times in seconds. */
  readonly created_at: number;
  readonly expires_at?: number | null;
  readonly completed_at?: number | null;
  readonly metadata?: Readonly<Record<string, string>> | null;
}

/** What a batch is made of. */
export interface BatchRequest {
  /** A file of purpose `batch`: a request a line. */
  readonly input_file_id: string;
  readonly endpoint: '/v1/chat/completions' | '/v1/completions';
  /** `24h` if absent. */
  readonly completion_window?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What became of one request of a batch. */
export interface BatchResult {
  readonly id: string;
  /** The name that the request has in the input file. */
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly request_id: string; readonly body: unknown } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** How a batch is waited for. */
export interface WaitOptions extends CallOptions {
  /** Time between two looks: 2 seconds if absent. */
  readonly pollMs?: number;
  /** Told what each look sees. */
  readonly onProgress?: (batch: Batch) => void;
}

/** Batches of whoever has the API key. */
export interface Batches {
  create(request: BatchRequest, options?: CallOptions): Promise<Batch>;
  /** All of them, page by page. */
  list(options?: CallOptions): AsyncIterable<Batch>;
  retrieve(id: string, options?: CallOptions): Promise<Batch>;
  cancel(id: string, options?: CallOptions): Promise<Batch>;
  /** Waits until nothing more becomes of it: `completed`, `failed`, `expired` or `cancelled`. */
  wait(id: string, options?: WaitOptions): Promise<Batch>;
  /** What became of each request, those that failed last. */
  results(batch: Pick<Batch, 'output_file_id' | 'error_file_id'>, options?: CallOptions): AsyncIterable<BatchResult>;
}

const ENDED: readonly BatchStatus[] = ['completed', 'failed', 'expired', 'cancelled'];
const DEFAULT_POLL_MS = 2000;

const batchPath = (id: string): string => `/batches/${encodeURIComponent(id)}`;

export const createBatches = (transport: Transport, files: Pick<Files, 'content'>): Batches => {
  const retrieve: Batches['retrieve'] = async (id, { signal } = {}) =>
    (await transport.json({ path: batchPath(id), signal })) as Batch;
  return {
    retrieve,
    async create(request, { signal } = {}) {
      const body = { completion_window: '24h', ...request };
      return (await transport.json({ method: 'POST', path: '/batches', body, signal, repeatable: false })) as Batch;
    },
    list: (options = {}) => listAll<Batch>(transport, '/batches', options),
    async cancel(id, { signal } = {}) {
      return (await transport.json({ method: 'POST', path: `${batchPath(id)}/cancel`, signal })) as Batch;
    },
    async wait(id, { signal, pollMs = DEFAULT_POLL_MS, onProgress } = {}) {
      for (;;) {
        const batch = await retrieve(id, { ...(signal && { signal }) });
        onProgress?.(batch);
        if (ENDED.includes(batch.status)) return batch;
        await wait(pollMs, signal);
      }
    },
    async *results({ output_file_id, error_file_id }, options) {
      for (const id of [output_file_id, error_file_id]) {
        if (!id) continue;
        const lines = new TextDecoder().decode(await files.content(id, options)).split('\n');
        for (const line of lines) if (line.trim() !== '') yield JSON.parse(line) as BatchResult;
      }
    },
  };
};
