import { describe, expect, it } from 'vitest';
import { addChunk, newAnswer, pictureUrl, tokensPerSecond, toMessages } from '../public/dialog.js';

const picture = (url: string) => ({ blob: new Blob([]), url, width: 1, height: 1 });
const image = (url: string) => ({ type: 'image_url', image_url: { url } });
const exchange = (question: string, pictures: readonly string[], raw: string) => ({
  question,
  pictures: pictures.map(picture),
  answer: { ...newAnswer(), raw },
});
const messagesOf = (...exchanges: ReturnType<typeof exchange>[]) => toMessages(exchanges, async ({ url }) => url);

describe('toMessages', () => {
  it('sends back the answers as the model wrote them', async () => {
    const raw = '<ref>a bee</ref><box>(1,2),(3,4)</box>';
    expect(await messagesOf(exchange('Where?', ['p1'], raw), exchange('Sure?', ['p2'], ''))).toEqual([
      { role: 'user', content: [image('p1'), { type: 'text', text: 'Where?' }] },
      { role: 'assistant', content: raw },
      { role: 'user', content: [image('p2'), { type: 'text', text: 'Sure?' }] },
    ]);
  });

  it('leaves out a question without an answer but keeps its pictures, in order', async () => {
    expect(await messagesOf(exchange('Lost', ['p1'], ''), exchange('Again', ['p2'], ''))).toEqual([
      { role: 'user', content: [image('p1'), image('p2'), { type: 'text', text: 'Again' }] },
    ]);
  });
});

describe('pictureUrl', () => {
  it('refers to a picture that the server has seen', async () => {
    expect(await pictureUrl({ ...picture('p'), imageId: 'ab' })).toBe('eidetic://sha256/ab');
  });
});

describe('addChunk', () => {
  it('collects text, groundings, pictures, usage and timings over the chunks of an answer', () => {
    const answer = newAnswer();
    const images = [{ id: 'ab', width: 2, height: 3, cached: true }];
    const grounding = { text: 'a', box: { x1: 0, y1: 0, x2: 1, y2: 1 }, imageIndex: 0 };
    const usage = { prompt_tokens: 9, completion_tokens: 11 };
    const timings = { imagesMs: 1, decoderMs: 90, firstTokenMs: 50, totalMs: 100 };
    addChunk(answer, { choices: [{ delta: { content: '' } }], eidetic: { images } });
    expect(answer.state).toBe('waiting');
    addChunk(answer, { choices: [{ delta: { content: 'a' } }] });
    addChunk(answer, { choices: [{ delta: { grounding: [grounding] } }] });
    addChunk(answer, { choices: [{ delta: {}, finish_reason: 'length' }], eidetic: { timings } });
    addChunk(answer, { choices: [], usage });
    expect(answer).toEqual({
      state: 'growing',
      raw: 'a',
      groundings: [grounding],
      images,
      usage,
      timings,
      cutOff: true,
    });
    expect(tokensPerSecond(answer)).toBe(200);
  });
});

describe('tokensPerSecond', () => {
  it('says nothing of an answer with a single token', () => {
    const answer = newAnswer();
    addChunk(answer, { usage: { prompt_tokens: 9, completion_tokens: 1 } });
    addChunk(answer, { eidetic: { timings: { imagesMs: 1, decoderMs: 8, firstTokenMs: 5, totalMs: 9 } } });
    expect(tokensPerSecond(answer)).toBeUndefined();
  });
});
