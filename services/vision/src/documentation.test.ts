import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { describeAsMarkdown } from '@eidetic/config';
import { expect, it } from 'vitest';
import { CONFIG_DEFINITION } from './config.ts';

const PAGE = fileURLToPath(new URL('../../../docs/configuration.md', import.meta.url));

it('has its settings documented as they are', async () => {
  expect(await readFile(PAGE, 'utf8')).toContain(describeAsMarkdown(CONFIG_DEFINITION));
});
