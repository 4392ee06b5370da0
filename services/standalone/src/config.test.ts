import { loadConfig } from '@eidetic/config';
import { expect, it } from 'vitest';
import { CONFIG_DEFINITION } from './config.ts';
import { help } from './messages.ts';

it('serves this machine only, when nothing is set', () => {
  const config = loadConfig(CONFIG_DEFINITION, {});
  expect(config).toMatchObject({ httpPort: 8080, httpHost: '127.0.0.1', maxBodyBytes: 64 * 2 ** 20 });
});

it('explains every setting in --help', () => {
  for (const { name, description } of Object.values(CONFIG_DEFINITION)) {
    expect(help()).toContain(name);
    expect(help()).toContain(description);
  }
});
