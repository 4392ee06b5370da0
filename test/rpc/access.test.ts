import { formatKeyEntry, hashApiKey } from '@eidetic/access';
import { ChatServiceDefinition } from '@eidetic/proto';
import { expect, it } from 'vitest';
import { filesOf } from '../support/certificates.ts';
import { channelTo, rpcChat, rpcRequest, textPart } from '../support/rpc-chat.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

it('lets callers in by the keys that HTTP knows, as often as those may ask', async () => {
  const entry = { id: 'a', tenant: 't', sha256: hashApiKey('good'), requestsPerMinute: 1 };
  const { keys } = await filesOf({ keys: formatKeyEntry(entry) });
  await using server = await StandaloneServer.start({ EIDETIC_API_KEYS_FILE: keys });
  const channel = channelTo(server.grpc);
  const request = rpcRequest([textPart('Hello!')], { maxTokens: 2 });
  const list = (apiKey?: string) => channel.unary(ChatServiceDefinition, 'listModels', {}, { apiKey });
  const chat = (apiKey?: string) => rpcChat(channel, request, { apiKey });

  await expect(chat()).rejects.toMatchObject({ code: 'invalid_api_key' });
  await expect(list('bad')).rejects.toMatchObject({ code: 'invalid_api_key' });
  expect((await chat('good')).all('finished')).toHaveLength(1);
  await expect(chat('good')).rejects.toMatchObject({
    code: 'rate_limited',
    details: { retryAfterMs: expect.any(Number) },
  });
  // To look costs nothing.
  expect(await list('good')).toMatchObject({ models: [{ name: 'qwen-vl-nano-chat' }] });
});
