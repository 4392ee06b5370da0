import type { z } from 'zod';

/** One environment variable. */
export interface Setting {
  readonly name: `EIDETIC_${string}`;
  /** One sentence for `--help` and the documentation. */
  readonly description: string;
  /** From the variable's text to its value; its zod description says what is expected. */
  readonly kind: z.ZodType<unknown, string>;
  /** As one would write it in the environment. Absent: the setting is required. */
  readonly default?: string;
  /** What is written is never printed; the default, which everyone can read here, is. */
  readonly secret?: boolean;
}

/** The settings of one service, by the name of the field that the code reads. */
export type ConfigDefinition = Readonly<Record<string, Setting>>;

/** What {@link ConfigDefinition} loads into. */
export type Config<D extends ConfigDefinition> = { readonly [K in keyof D]: z.output<D[K]['kind']> };
