import { loadConfig } from '@eidetic/config';
import { expect, it } from 'vitest';
import { CONFIG_DEFINITION } from './config.ts';
import { greeting, help } from './messages.ts';

it('serves this machine only, beside a standalone server, when nothing is set', () => {
  expect(loadConfig(CONFIG_DEFINITION, {})).toMatchObject({
    grpcHost: '127.0.0.1',
    grpcPort: 50_051,
    httpHost: '127.0.0.1',
    httpPort: 8081,
  });
});

it('explains every setting in --help', () => {
  for (const { name, description } of Object.values(CONFIG_DEFINITION)) {
    expect(help()).toContain(name);
    expect(help()).toContain(description);
  }
});

it('greets with a command that can be pasted', () => {
  expect(greeting({ grpc: '127.0.0.1:50051', http: 'http://127.0.0.1:8081' }, 'nano')).toContain(
    'buf curl --protocol grpc --http2-prior-knowledge http://127.0.0.1:50051/eidetic.v1.DecoderService/GetModel',
  );
});
