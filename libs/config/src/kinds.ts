import { z } from 'zod';

/** Bounds of a number, both included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

const DURATION_UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;
const SIZE_UNITS = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

const BOOLEANS = new Map([
  ['true', true],
  ['false', false],
]);

/** What `parse` reads, from text without blanks around it; undefined: it is not as `expected`. */
export const parsed = <T>(expected: string, parse: (text: string) => T | undefined): z.ZodType<T, string> =>
  z
    .string()
    .transform((text, context) => {
      const value = parse(text.trim());
      if (value !== undefined) return value;
      context.addIssue({ code: 'custom', message: `expected ${expected}` });
      return z.NEVER;
    })
    .describe(expected);

const withUnit = (text: string, units: Readonly<Record<string, number>>): number | undefined => {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)\s*([A-Za-z]+)$/.exec(text) ?? [];
  const factor = unit === undefined ? undefined : units[unit];
  const value = Number(amount) * (factor ?? Number.NaN);
  return Number.isSafeInteger(value) ? value : undefined;
};

const within = (value: number | undefined, range: Range): number | undefined =>
  value !== undefined && value >= range.min && value <= range.max ? value : undefined;

/** Any text that is not empty. */
export const text = (): z.ZodType<string, string> => parsed('a text', (value) => (value === '' ? undefined : value));

const isHttp = (value: string): boolean => {
  const url = URL.parse(value);
  return url !== null && ['http:', 'https:'].includes(url.protocol);
};

/** An address that begins with `http://` or `https://`. */
export const httpUrl = (): z.ZodType<string, string> =>
  parsed('an http:// or https:// address', (value) => (isHttp(value) ? value : undefined));

const isOrigin = (value: string): boolean => isHttp(value) && URL.parse(value)?.origin === value;

/** A site as browsers name it in the header `Origin`, or `*` for all sites. */
export const origin = (): z.ZodType<string, string> =>
  parsed('a site such as https://example.com, or * for all', (value) =>
    value === '*' || isOrigin(value) ? value : undefined,
  );

/** A whole number. */
export const integer = (range: Range): z.ZodType<number, string> =>
  parsed(`a whole number from ${range.min} to ${range.max}`, (value) =>
    within(/^-?\d{1,15}$/.test(value) ? Number(value) : undefined, range),
  );

/** `true` or `false`. */
export const boolean = (): z.ZodType<boolean, string> => parsed('true or false', (value) => BOOLEANS.get(value));

/** One of a few words. */
export const oneOf = <const T extends string>(words: readonly T[]): z.ZodType<T, string> =>
  parsed(`one of ${words.join(', ')}`, (value) => words.find((word) => word === value));

/** Timers hold 31 bits of milliseconds, and go off at once for more. */
const MAX_DURATION_MS = 2 ** 31 - 1;

/** A time such as `250ms`, `30s`, `5m` or `1h`, in milliseconds; at most 596 hours. */
export const duration = (minMs = 0): z.ZodType<number, string> =>
  parsed(`a duration such as 250ms, 30s, 5m or 1h, from ${minMs}ms to 596h`, (value) =>
    within(withUnit(value, DURATION_UNITS), { min: minMs, max: MAX_DURATION_MS }),
  );

/** A size such as `512B`, `64KiB`, `2MiB` or `1GiB`, in bytes. */
export const size = (): z.ZodType<number, string> =>
  parsed('a size such as 64KiB, 2MiB or 1GiB', (value) => withUnit(value, SIZE_UNITS));

/** How a setting is left out. */
const NONE = 'none';

/** What may be left out: `none` is undefined. */
export const optional = <T>(kind: z.ZodType<T, string>): z.ZodType<T | undefined, string> =>
  z
    .string()
    .transform((written, context) => {
      if (written.trim() === NONE) return undefined;
      const outcome = kind.safeParse(written);
      if (outcome.success) return outcome.data;
      context.addIssue({ code: 'custom', message: `expected ${kind.description}, or ${NONE}` });
      return z.NEVER;
    })
    .describe(`${kind.description}, or ${NONE}`);

/** Several of a kind, separated by commas. */
export const list = <T>(item: z.ZodType<T, string>): z.ZodType<readonly T[], string> =>
  parsed(`${item.description}; several separated by commas`, (value) => {
    const outcomes = value.split(',').map((written) => item.safeParse(written));
    return outcomes.every((outcome) => outcome.success) ? outcomes.map(({ data }) => data) : undefined;
  });
