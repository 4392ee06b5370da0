import { metricsPage } from '../src/metrics-page.ts';
import type { Registry } from '../src/registry.ts';

/** The lines of the registry's text that begin with one of these names. */
export const scrape = async (registry: Registry, ...names: readonly string[]): Promise<string[]> =>
  (await metricsPage(registry)).text.split('\n').filter((line) => names.some((name) => line.startsWith(name)));
