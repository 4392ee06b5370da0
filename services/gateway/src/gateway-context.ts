import type { LoadContext } from '@eidetic/chat-server';
import type { Metrics } from './metrics.ts';

/** What a gateway is loaded with. */
export interface GatewayContext extends LoadContext {
  readonly metrics: Metrics;
  /** For the log: something is not as it should be, or is again. */
  readonly onTrouble: (message: string, reason?: Error) => void;
}
