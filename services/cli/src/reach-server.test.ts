import { expect, it } from 'vitest';
import { reachServer } from './reach-server.ts';

const NOWHERE = { url: undefined, localUrl: 'http://127.0.0.1:1', apiKey: undefined };
const never = new AbortController().signal;

it('starts a server where none answers, and ends it afterwards', async () => {
  const lines: string[] = [];
  const onProgress = (line: string): void => void lines.push(line);
  const server = await reachServer({ ...NOWHERE, settings: { EIDETIC_SLOTS: '1' }, onProgress }, never);
  expect(lines[0]).toBe('No server answers at http://127.0.0.1:1: starting one for this chat');
  expect(lines).toContain('Loading qwen-vl-nano-chat');
  expect(await server.client.models()).toMatchObject([{ id: 'qwen-vl-nano-chat' }]);
  await server[Symbol.asyncDispose]();
  await expect(server.client.models()).rejects.toMatchObject({ reason: 'unreachable' });
});

it('says why a server does not start', async () => {
  const start = reachServer({ ...NOWHERE, settings: { EIDETIC_SLOTS: 'many' }, onProgress: () => {} }, never);
  await expect(start).rejects.toMatchObject({
    code: 'unavailable',
    message: expect.stringContaining('EIDETIC_SLOTS: "many" is not valid'),
  });
});
