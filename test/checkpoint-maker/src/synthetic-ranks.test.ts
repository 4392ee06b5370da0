import { createQwenVlFamily } from '@eidetic/qwen-vl';
import { specialTokenIds } from '@eidetic/qwen-vl/export';
import { expect, it } from 'vitest';
import { syntheticRanks } from './synthetic-ranks.ts';

const RANKS = 151_643;

const familyOf = (ranks: Uint8Array) =>
  createQwenVlFamily(
    {
      tokenizer: { file: 'qwen.tiktoken', special: specialTokenIds(RANKS) },
      generation: {
        chatFormat: 'chatml',
        stopTokenIds: [],
        maxNewTokens: 1,
        temperature: 1,
        topP: 1,
        topK: 0,
        repetitionPenalty: 1,
      },
      embeddings: { file: 'embeddings', dtype: 'bfloat16', rows: RANKS + 293, hidden: 4096 },
    },
    ranks,
  );

it('makes a vocabulary of the real size, in which text is tokenised and read back', async () => {
  const ranks = new TextEncoder().encode(await syntheticRanks(RANKS));
  const lines = new Set(new TextDecoder().decode(ranks).trim().split('\n'));
  expect(lines.size).toBe(RANKS);
  const family = familyOf(ranks);
  const text = 'The quick brown fox: 敏捷的狐狸 🦊';
  const { segments } = family.buildRawPrompt([{ kind: 'text', text }]);
  const ids = segments.flatMap((segment) => (segment.kind === 'image' ? [] : segment.ids));
  expect(Buffer.concat(ids.map((id) => family.describeToken(id).bytes)).toString()).toBe(text);
  const chat = family.buildPrompt([{ role: 'user', content: [{ kind: 'text', text }] }]);
  expect(chat.segments).toMatchObject([{ ids: expect.arrayContaining([RANKS + 1, RANKS + 2]) }]);
});

it('refuses fewer ranks than there are bytes', async () => {
  await expect(syntheticRanks(255)).rejects.toThrow(/256 single bytes/);
});
