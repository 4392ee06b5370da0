import { hash } from 'node:crypto';
import type { ChatService } from '@eidetic/chat';
import manifest from '../package.json' with { type: 'json' };

/**
 * OpenAI's `system_fingerprint`: as long as it stays the same, so does the answer to the same request with the same `seed`. It
 * covers the model's weights, graphs and precision, and this software's version. `null` until the model is loaded.
 */
export const systemFingerprint = ({ model, facts }: Pick<ChatService, 'model' | 'facts'>): string | null =>
  facts === undefined
    ? null
    : `fp_${hash('sha256', JSON.stringify([manifest.version, model, facts.revision]), 'hex').slice(0, 12)}`;
