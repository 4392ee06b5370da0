import type { ChatEvent, ChatRequest, ChatService, ImageService, ResolvedEmbedding } from '@eidetic/chat';
import { describe, expect, it } from 'vitest';
import { ChatGate, type Served } from './chat-gate.ts';

const request: ChatRequest = { requestId: '1', messages: [], sampling: {}, stop: [] };
const piece: ChatEvent = { kind: 'text', choice: 0, text: 'a' };

/** Answers with one piece, then waits for `finish` or the abort. */
const slowService = () => {
  const finish = Promise.withResolvers<void>();
  const service: ChatService = {
    model: 'nano',
    async *chat(_, signal) {
      yield piece;
      signal?.addEventListener('abort', () => finish.reject(new Error('stopped')));
      await finish.promise;
      yield piece;
    },
  };
  return { service, finish: finish.resolve };
};

const noImages = (): Promise<ResolvedEmbedding> => Promise.reject(new Error('no pictures here'));
const servedBy = (chat: ChatService, images: ImageService = { upload: noImages, encode: noImages }): Served => ({
  chat,
  images,
});

describe('ChatGate', () => {
  it('says how far the start is until it is open', async () => {
    const gate = new ChatGate('nano', 2);
    gate.describeStart('converting, 40 %');
    await expect(gate.chat(request).next()).rejects.toMatchObject({
      code: 'unavailable',
      message: 'The server is starting (converting, 40 %); try again in a moment.',
    });
    gate.open(servedBy(slowService().service));
    expect((await gate.chat(request).next()).value).toEqual(piece);
  });

  it('lets running answers end and refuses new ones once it drains', async () => {
    const { service, finish } = slowService();
    const gate = new ChatGate('nano', 2);
    gate.open(servedBy(service));
    const answer = gate.chat(request);
    await answer.next();
    let drained = false;
    const draining = gate.drain(60_000).then(() => {
      drained = true;
    });
    await expect(gate.chat(request).next()).rejects.toMatchObject({ code: 'unavailable' });
    expect(drained).toBe(false);
    finish();
    expect((await answer.next()).value).toEqual(piece);
    expect((await answer.next()).done).toBe(true);
    await draining;
  });

  it('ends running answers when the drain limit passes', async () => {
    const gate = new ChatGate('nano', 2);
    gate.open(servedBy(slowService().service));
    const answer = gate.chat(request);
    await answer.next();
    const rest = answer.next();
    const refused = expect(rest).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/shut down/),
    });
    await gate.drain(1);
    await refused;
  });

  it('does not wait longer than the limit for an answer that nobody reads', async () => {
    const gate = new ChatGate('nano', 2);
    gate.open(servedBy(slowService().service));
    await gate.chat(request).next();
    await gate.drain(1);
  });

  it('refuses more requests than it may hold, until one of them ends', async () => {
    const gate = new ChatGate('nano', 2);
    gate.open(servedBy(slowService().service));
    const [first, second] = [gate.chat(request), gate.chat(request)];
    await first.next();
    await second.next();
    await expect(gate.chat(request).next()).rejects.toMatchObject({
      code: 'overloaded',
      message: expect.stringMatching(/^2 requests/),
    });
    await first.return();
    expect((await gate.chat(request).next()).value).toEqual(piece);
    // Now it knows how long one stays.
    const details = { retryAfterMs: expect.any(Number) };
    await expect(gate.chat(request).next()).rejects.toMatchObject({ code: 'overloaded', details });
  });

  it('stays shut when the model is loaded after draining has begun', async () => {
    const gate = new ChatGate('nano', 2);
    await gate.drain(60_000);
    gate.open(servedBy(slowService().service));
    expect(gate.state.kind).toBe('draining');
  });

  it('passes the abort of its caller on', async () => {
    const gate = new ChatGate('nano', 2);
    gate.open(servedBy(slowService().service));
    const leaving = new AbortController();
    const answer = gate.chat(request, leaving.signal);
    await answer.next();
    const rest = answer.next();
    leaving.abort();
    await expect(rest).rejects.toMatchObject({ code: 'cancelled' });
    await gate.drain(60_000);
  });

  it('lets in pictures as it does chats: not before it is open, and until they are done', async () => {
    const held = Promise.withResolvers<ResolvedEmbedding>();
    const embedding = { data: new Float32Array(1), tokens: 1, hidden: 1, imageWidth: 1, imageHeight: 1 };
    const images = { upload: () => held.promise, encode: noImages };
    const gate = new ChatGate('nano', 1);
    const upload = (): Promise<ResolvedEmbedding> => gate.upload(new Uint8Array(1), {});
    await expect(upload()).rejects.toMatchObject({ code: 'unavailable' });
    gate.open(servedBy(slowService().service, images));
    const uploaded = upload();
    await expect(gate.chat(request).next()).rejects.toMatchObject({ code: 'overloaded' });
    await expect(gate.encode({ kind: 'reference', imageId: '' }, {})).rejects.toMatchObject({ code: 'overloaded' });
    const drained = gate.drain(60_000);
    held.resolve({ imageId: 'a', key: 'k', cached: false, embedding });
    await drained;
    expect(await uploaded).toMatchObject({ imageId: 'a' });
  });
});
