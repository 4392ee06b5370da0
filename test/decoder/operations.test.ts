import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { HealthDefinition, ServingStatus } from '@eidetic/proto';
import { expect, it } from 'vitest';
import { startDecoderService } from '../support/decoder-service.ts';
import { collect, promptOf, request } from '../support/engines.ts';

const BUF = join(import.meta.dirname, '../../node_modules/.bin/buf');

it('says over gRPC and HTTP that it serves, and over HTTP what it did', async () => {
  const { channel, http, remote } = await startDecoderService();
  for (const service of ['', 'eidetic.v1.DecoderService']) {
    expect(await channel.unary(HealthDefinition, 'check', { service })).toEqual({ status: ServingStatus.SERVING });
  }
  expect((await fetch(`${http}/readyz`)).status).toBe(200);
  await collect(remote.generate(request(promptOf(20), { maxTokens: 5 })));
  const metrics = await (await fetch(`${http}/metrics`)).text();
  expect(metrics).toMatch(/^eidetic_engine_slots 4$/m);
  expect(metrics).toMatch(/^eidetic_engine_requests_finished_total\{outcome="length",stage="decode"\} 2$/m);
});

it('says what it serves', async () => {
  const { remote } = await startDecoderService({ EIDETIC_MAX_CONTEXT: '128' });
  expect(remote.model).toMatchObject({ name: 'qwen-vl-nano-chat', family: 'qwen-vl', maxContext: 128, hidden: 320 });
  expect(remote.model.source).toMatch(/^[0-9a-f]{64}$/);
});

it('can be called by a client that has no schema, with fields by their names', async () => {
  const { grpc } = await startDecoderService();
  const message = { prompt: [{ tokens: { ids: promptOf(5) } }], maxTokens: 2, sampling: { topP: 0.5 }, logprobs: 1 };
  const address = `http://${grpc}/eidetic.v1.DecoderService/Generate`;
  const flags = ['--protocol', 'grpc', '--http2-prior-knowledge', '-d', JSON.stringify(message)];
  const { stdout } = await promisify(execFile)(BUF, ['curl', ...flags, address]);
  expect(stdout).toContain('"completionTokens": 2');
});
