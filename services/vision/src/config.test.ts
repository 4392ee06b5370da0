import { loadConfig } from '@eidetic/config';
import { expect, it } from 'vitest';
import { CONFIG_DEFINITION } from './config.ts';
import { greeting, help } from './messages.ts';

it('serves this machine only, beside a decoder, and without a Redis, when nothing is set', () => {
  expect(loadConfig(CONFIG_DEFINITION, {})).toMatchObject({
    grpcHost: '127.0.0.1',
    grpcPort: 50_052,
    httpHost: '127.0.0.1',
    httpPort: 8082,
    cacheRedisUrl: undefined,
  });
});

it('explains every setting in --help', () => {
  for (const { name, description } of Object.values(CONFIG_DEFINITION)) {
    expect(help()).toContain(name);
    expect(help()).toContain(description);
  }
});

it('greets with a command that can be pasted', () => {
  expect(greeting({ grpc: '127.0.0.1:50052', http: 'http://127.0.0.1:8082' }, 'nano')).toContain(
    'buf curl --protocol grpc --http2-prior-knowledge http://127.0.0.1:50052/eidetic.v1.VisionService/GetModel',
  );
});
