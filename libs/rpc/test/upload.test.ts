import { setImmediate as turn } from 'node:timers/promises';
import { EideticError } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import type { CallContext } from '../src/index.ts';
import { collect, serveToy, TOY } from './toy-service.ts';

/** On a machine that has other things to do. */
const SOON = { timeout: 10_000 };

/** A handler that reads until it is told to end, and why it was. */
const reading = () => {
  const first = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<unknown>();
  const join = async (words: AsyncIterable<string>, { signal }: CallContext): Promise<string> => {
    signal.addEventListener('abort', () => ended.resolve(signal.reason));
    for await (const _ of words) first.resolve();
    await ended.promise;
    return '';
  };
  return { join, first: first.promise, ended: ended.promise };
};

/** Words without an end, and whether they are still wanted. */
const endless = (word: string) => {
  const state = { made: 0, left: false };
  async function* words() {
    try {
      for (;;) {
        state.made += 1;
        yield word;
        await turn();
      }
    } finally {
      state.left = true;
    }
  }
  return { words: words(), state };
};

describe('a stream to the server', () => {
  it.each([0, 1, 1000])('arrives whole and in order: %d messages', async (count) => {
    const { channel, ended } = await serveToy();
    const words = Array.from({ length: count }, (_, i) => `w${i}`);
    expect(await channel.upload(TOY, 'join', words)).toBe(words.join(' '));
    expect(ended).toMatchObject([{ method: '/test.ToyService/Join', code: 'ok' }]);
  });

  it('ends with the error of a handler that has seen enough, and no more messages are made', async () => {
    const { channel } = await serveToy({
      join: async (words) => {
        for await (const word of words) throw new EideticError('invalid_image', word);
        return '';
      },
    });
    const { words, state } = endless('No picture.');
    const answer = channel.upload(TOY, 'join', words);
    await expect(answer).rejects.toMatchObject({ code: 'invalid_image', message: 'No picture.' });
    await expect.poll(() => state.left, SOON).toBe(true);
  });

  it('ends with the answer of a handler that needs no more', async () => {
    const { channel } = await serveToy({ join: async () => 'enough' });
    const { words, state } = endless('more');
    expect(await channel.upload(TOY, 'join', words)).toBe('enough');
    await expect.poll(() => state.left, SOON).toBe(true);
  });

  it('is waited for by a server that is slow: what is not read is not made', async () => {
    const release = Promise.withResolvers<void>();
    const { channel } = await serveToy({
      async join(words) {
        await release.promise;
        return String((await collect(words)).length);
      },
    });
    let made = 0;
    function* words() {
      for (; made < 300; made++) yield 'x'.repeat(2 ** 18);
    }
    const answer = channel.upload(TOY, 'join', words());
    // Other calls of the same connection go on meanwhile.
    for (let i = 0; i < 20; i++) await channel.unary(TOY, 'ask', 'Why');
    expect(made).toBeLessThan(150);
    release.resolve();
    expect(await answer).toBe('300');
  });

  it('aborts the handler when its caller leaves', async () => {
    const { join, first, ended } = reading();
    const { channel } = await serveToy({ join });
    const leaving = new AbortController();
    const { words, state } = endless('word');
    const answer = channel.upload(TOY, 'join', words, { signal: leaving.signal });
    await first;
    leaving.abort(new EideticError('unavailable', 'Somewhere else.'));
    await expect(answer).rejects.toMatchObject({ code: 'unavailable', message: 'Somewhere else.' });
    expect(await ended).toMatchObject({ code: 'cancelled' });
    await expect.poll(() => state.left, SOON).toBe(true);
  });

  it('ends on both sides when its deadline passes', async () => {
    const { join, ended } = reading();
    const { channel } = await serveToy({ join });
    const answer = channel.upload(TOY, 'join', endless('word').words, { deadlineMs: Date.now() + 1000 });
    await expect(answer).rejects.toMatchObject({ code: 'deadline_exceeded' });
    // Whichever of the two clocks goes first.
    expect(await ended).toMatchObject({ code: expect.stringMatching(/^(deadline_exceeded|cancelled)$/) });
  });

  it('ends with `unavailable` when the server drains longer than the limit', async () => {
    const { join, first, ended } = reading();
    const { server, channel } = await serveToy({ join });
    const answer = expect(channel.upload(TOY, 'join', endless('word').words)).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/shut down/),
    });
    await first;
    await server.drain(1);
    await server.stop();
    await answer;
    expect(await ended).toMatchObject({ code: 'unavailable' });
  });

  it('fails with the error of whoever makes the messages, and the handler is told', async () => {
    const { join, first, ended } = reading();
    const { channel } = await serveToy({ join });
    async function* words() {
      yield 'one';
      await first;
      throw new EideticError('invalid_checkpoint', 'The file ended.');
    }
    await expect(channel.upload(TOY, 'join', words())).rejects.toMatchObject({ code: 'invalid_checkpoint' });
    expect(await ended).toMatchObject({ code: 'cancelled' });
  });

  it('is refused as a bad request when one of its messages cannot be read', async () => {
    const { channel } = await serveToy();
    const requestType = { ...TOY.methods.join.requestType, encode: () => ({ finish: () => Buffer.from('{') }) };
    const garbled = { ...TOY, methods: { join: { ...TOY.methods.join, requestType } } };
    await expect(channel.upload(garbled, 'join', ['a'])).rejects.toMatchObject({ code: 'invalid_request' });
  });
});

describe('metadata', () => {
  it('tells handlers the API key, and nothing where there is nothing', async () => {
    const { channel } = await serveToy({ ask: async (key, { metadata }) => metadata(key) ?? 'none' });
    expect(await channel.unary(TOY, 'ask', 'authorization', { apiKey: 'k1' })).toBe('Bearer k1');
    expect(await channel.unary(TOY, 'ask', 'authorization')).toBe('none');
  });
});
