import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { COMMANDS } from './commands.ts';
import { usage } from './help.ts';

const PAGE = fileURLToPath(new URL('../../../docs/cli.md', import.meta.url));

it('has its page say what --help says', async () => {
  const page = await readFile(PAGE, 'utf8');
  const block = (text: string): string => `\`\`\`text\n${text}\n\`\`\``;
  expect(page).toContain(block(usage()));
  for (const [name, { load }] of Object.entries(COMMANDS)) {
    expect(page).toContain(`## eidetic ${name}\n\n${block((await load()).usage)}`);
  }
});
