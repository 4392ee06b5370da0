import { EideticConnectionError } from './errors.ts';
import type { Call, Transport } from './transport.ts';

/** What lists are asked for. */
export interface ListOptions {
  readonly signal?: AbortSignal;
  /** Only those with these properties. */
  readonly query?: Readonly<Record<string, string>>;
}

/** All items of a list that comes in pages: the next page is asked for once its first item is wanted. */
export async function* listAll<T extends { readonly id: string }>(
  transport: Pick<Transport, 'json'>,
  path: string,
  { signal, query }: ListOptions,
): AsyncGenerator<T, void, undefined> {
  let after: string | undefined;
  for (;;) {
    const parameters = new URLSearchParams({ ...query, ...(after !== undefined && { after }) });
    const call: Call = { path: parameters.size === 0 ? path : `${path}?${parameters}`, signal };
    const { data, has_more } = (await transport.json(call)) as {
      readonly data?: readonly T[];
      readonly has_more?: boolean;
    };
    if (!Array.isArray(data)) throw new EideticConnectionError('invalid_response', 'This is no list.');
    yield* data;
    after = data.at(-1)?.id;
    if (has_more !== true || after === undefined) return;
  }
}
