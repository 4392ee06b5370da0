import type { Registry } from 'prom-client';

/** The lines of the registry's text that begin with one of these names. */
export const scrape = async (registry: Registry, ...names: readonly string[]): Promise<string[]> =>
  (await registry.metrics()).split('\n').filter((line) => names.some((name) => line.startsWith(name)));
