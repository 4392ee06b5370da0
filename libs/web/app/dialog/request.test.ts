import { describe, expect, it } from 'vitest';
import type { Picture, Turn } from './dialog.ts';
import { toMessages, toRequest } from './request.ts';

const picture = (src: string): Picture => ({ key: src, name: src, src });
const turn = (question: string, pictures: readonly string[], raw: string): Turn => ({
  id: 1,
  question,
  pictures: pictures.map(picture),
  answer: { state: 'done', raw, groundings: [], images: [] },
});
const image = (url: string) => ({ type: 'image_url', image_url: { url } });
const urlOf = async ({ src }: Picture): Promise<string> => src;

describe('toMessages', () => {
  it('sends back the answers as the model wrote them', async () => {
    const raw = '<ref>a bee</ref><box>(1,2),(3,4)</box>';
    expect(await toMessages([turn('Where?', ['p1'], raw), turn('Sure?', ['p2'], '')], urlOf)).toEqual([
      { role: 'user', content: [image('p1'), { type: 'text', text: 'Where?' }] },
      { role: 'assistant', content: raw },
      { role: 'user', content: [image('p2'), { type: 'text', text: 'Sure?' }] },
    ]);
  });

  it('leaves out a question without an answer but keeps its pictures, in order', async () => {
    expect(await toMessages([turn('Lost', ['p1'], ''), turn('Again', ['p2'], '')], urlOf)).toEqual([
      { role: 'user', content: [image('p1'), image('p2'), { type: 'text', text: 'Again' }] },
    ]);
  });
});

describe('toRequest', () => {
  const turns = [turn('Hello', [], '')];
  const user = { role: 'user', content: [{ type: 'text', text: 'Hello' }] };

  it('leaves to the server what the settings leave open', async () => {
    expect(await toRequest(turns, {}, urlOf)).toEqual({ messages: [user] });
  });

  it('carries every setting, zeros included', async () => {
    const sampling = { temperature: 0, topP: 0.5, maxTokens: 7, seed: 0, system: 'Be brief.' };
    expect(await toRequest(turns, sampling, urlOf)).toEqual({
      messages: [{ role: 'system', content: 'Be brief.' }, user],
      temperature: 0,
      top_p: 0.5,
      max_completion_tokens: 7,
      seed: 0,
    });
  });
});
