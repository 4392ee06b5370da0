import { Counter } from 'prom-client';
import type { Registry } from './registry.ts';

/** Metrics of a process that answers gRPC calls. */
export interface RpcMetrics {
  readonly calls: Counter<'method' | 'outcome'>;
}

/** Registers the metrics of gRPC. */
export const createRpcMetrics = (registry: Registry): RpcMetrics => ({
  calls: new Counter({
    name: 'eidetic_grpc_calls_total',
    help: 'gRPC calls that have ended, by the path of their method and by how: ok, or the code of the error.',
    labelNames: ['method', 'outcome'],
    registers: [registry],
  }),
});
