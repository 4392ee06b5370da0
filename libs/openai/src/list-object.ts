import { z } from 'zod';

/** Query parameters that all lists have. */
export const pageFields = (limit: { readonly max: number; readonly default: number }) => ({
  limit: z.coerce.number('expected a number').pipe(z.int().min(1).max(limit.max)).default(limit.default),
  after: z.string().optional(),
});

/** A page of a list, as OpenAI's lists are. */
export const listObject = <T extends { readonly id: string }>(data: readonly T[], hasMore: boolean) => ({
  object: 'list',
  data,
  first_id: data[0]?.id ?? null,
  last_id: data.at(-1)?.id ?? null,
  has_more: hasMore,
});
