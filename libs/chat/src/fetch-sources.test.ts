import { EideticError, type FetchedImage, SHARED_SCOPE } from '@eidetic/core';
import { describe, expect, it } from 'vitest';
import { setUpResolver } from '../test/chat-parts.ts';
import { fetchSources } from './fetch-sources.ts';
import type { ImageSource } from './types.ts';

const urls = (...names: string[]): ImageSource[] => names.map((name) => ({ kind: 'url', url: `http://${name}/` }));

/** Fetches what `answer` says, and counts what is held. */
const setUp = (answer: (url: string, signal: AbortSignal) => Promise<Uint8Array>) => {
  const asked: string[] = [];
  let held = 0;
  const fetch = async (url: string, signal: AbortSignal): Promise<FetchedImage> => {
    asked.push(url);
    const bytes = await answer(url, signal);
    held += 1;
    return {
      bytes,
      [Symbol.dispose]: () => {
        held -= 1;
      },
    };
  };
  return { fetch, asked, held: () => held };
};

const never = (_: string, signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });

describe('fetchSources', () => {
  it('fetches each URL once, keeps the order and everything else, and holds the bytes until it is let go', async () => {
    const { fetch, asked, held } = setUp(async (url) => Buffer.from(url));
    const other: ImageSource = { kind: 'reference', imageId: 'a' };
    {
      using fetched = await fetchSources([...urls('b', 'a'), other, ...urls('b')], fetch);
      const [b, a] = ['http://b/', 'http://a/'].map((url) => ({ kind: 'bytes', bytes: Buffer.from(url) }));
      expect(fetched.sources).toEqual([b, a, other, b]);
      expect(asked).toEqual(['http://b/', 'http://a/']);
      expect(held()).toBe(2);
    }
    expect(held()).toBe(0);
  });

  it('names the first that fails, gives up the others and what it has', async () => {
    const { fetch, held } = setUp(async (url, signal) => {
      if (url === 'http://quick/') return Buffer.from('x');
      if (url === 'http://bad/') throw new EideticError('image_unreachable', 'bad did not answer.');
      return never(url, signal);
    });
    const failed = fetchSources(urls('slow', 'quick', 'bad'), fetch);
    await expect(failed).rejects.toMatchObject({
      code: 'image_unreachable',
      message: 'Picture 3: bad did not answer.',
      details: { picture: 2 },
    });
    expect(held()).toBe(0);
  });

  it('ends with the reason of its signal', async () => {
    const { fetch } = setUp(never);
    const controller = new AbortController();
    const failed = fetchSources(urls('slow'), fetch, controller.signal);
    controller.abort(new Error('gone'));
    await expect(failed).rejects.toThrow('gone');
  });
});

it('is refused by a server that fetches nothing', async () => {
  const { resolver } = setUpResolver({ ok: false, error: new EideticError('unavailable', 'down') });
  const context = { scope: SHARED_SCOPE, priority: 0, deadlineMs: 1e15 };
  await expect(resolver.resolve(urls('a'), context)).rejects.toMatchObject({
    code: 'unsupported_image_source',
    message: expect.stringMatching(/^Picture 1: this server fetches no pictures from URLs; send the picture itself/),
  });
});
