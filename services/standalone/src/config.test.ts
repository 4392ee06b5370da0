import { loadConfig } from '@eidetic/config';
import { expect, it } from 'vitest';
import { CONFIG_DEFINITION } from './config.ts';
import { greeting, help } from './messages.ts';

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

it('greets with a command that can be pasted', () => {
  expect(greeting('http://127.0.0.1:8080', 'nano')).toContain(
    `curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' -d '{"model":"nano","messages":[{"role":"user","content":"Hello!"}]}'`,
  );
});
