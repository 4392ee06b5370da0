import { z } from 'zod';

const MIN_LIFETIME_S = 3600;
const MAX_LIFETIME_S = 30 * 24 * 3600;

/** How long something is to live, as OpenAI's requests say it; in forms the number is a text. */
export const expiresAfter = z.strictObject({
  anchor: z.literal('created_at', 'expected "created_at"'),
  seconds: z.coerce.number().pipe(z.int().min(MIN_LIFETIME_S).max(MAX_LIFETIME_S)),
});
