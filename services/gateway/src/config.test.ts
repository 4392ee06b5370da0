import { loadConfig } from '@eidetic/config';
import { expect, it } from 'vitest';
import { CONFIG_DEFINITION } from './config.ts';
import { help } from './messages.ts';

it('looks for everything on this machine, and keeps tenants apart, when nothing is set', () => {
  expect(loadConfig(CONFIG_DEFINITION, {})).toMatchObject({
    httpHost: '127.0.0.1',
    decoders: '127.0.0.1:50051',
    visionEncoders: '127.0.0.1:50052',
    queueRedisUrl: 'redis://127.0.0.1:6379',
    cacheRedisUrl: 'redis://127.0.0.1:6380',
    sharedPool: false,
  });
});

it('explains every setting in --help, and prints no password', () => {
  for (const { name, description } of Object.values(CONFIG_DEFINITION)) {
    expect(help()).toContain(name);
    expect(help()).toContain(description);
  }
});
