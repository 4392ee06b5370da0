import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { characterTokenise } from '../captions/character-tokenise.ts';
import { cider } from './cider.ts';

const score = cider((text) => text.split(' ').filter((word) => word !== ''));
const word = fc.constantFrom('a', 'man', 'dog', 'rides', 'the', 'red', 'boat', 'on', 'sea');
const caption = fc.array(word, { maxLength: 12 }).map((words) => words.join(' '));
const item = fc.record({ output: caption, wanted: fc.array(caption, { minLength: 1, maxLength: 4 }) });
const items = fc.array(item, { minLength: 2, maxLength: 6 });

describe('cider', () => {
  it('is 1,000 for a caption like its only reference, and 0 for one that shares no word', () => {
    const { perItem, score: all } = score([
      { output: 'a man rides the red boat', wanted: ['a man rides the red boat'] },
      { output: 'on sea', wanted: ['two dogs play ball here'] },
    ]);
    expect(perItem[0]).toBeCloseTo(1000, 9);
    expect(perItem[1]).toBe(0);
    expect(all).toBeCloseTo(500, 9);
  });

  it('is from 0 to 1,000 for whatever captions', () => {
    fc.assert(
      fc.property(items, (set) => {
        for (const value of score(set).perItem) {
          expect(value).toBeGreaterThanOrEqual(0);
          expect(value).toBeLessThanOrEqual(1000 + 1e-9);
        }
      }),
    );
  });

  it('minds the order neither of the items nor of their references', () => {
    fc.assert(
      fc.property(items, (set) => {
        const turned = set.toReversed().map(({ output, wanted }) => ({ output, wanted: wanted.toReversed() }));
        const values = score(turned).perItem.toReversed();
        for (const [index, value] of score(set).perItem.entries()) expect(values[index]).toBeCloseTo(value, 9);
      }),
    );
  });

  it('weighs words that many references have less than rare ones', () => {
    const wanted = ['the boat'];
    const { perItem } = score([
      { output: 'the', wanted },
      { output: 'boat', wanted },
      { output: '', wanted: ['the sea'] },
      { output: '', wanted: ['a dog'] },
    ]);
    expect(perItem[1]).toBeGreaterThan(perItem[0] ?? 0);
  });

  it('gains nothing by repeating a word', () => {
    const others = [{ output: '', wanted: ['a dog on the sea'] }];
    const once = score([{ output: 'boat', wanted: ['a red boat'] }, ...others]).perItem[0] ?? 0;
    const often = score([{ output: 'boat boat boat', wanted: ['a red boat'] }, ...others]).perItem[0] ?? 0;
    expect(often).toBeLessThan(once);
  });

  it('refuses an item without references', () => {
    expect(() => score([{ output: 'a', wanted: [] }])).toThrow(/position 0 has no references/);
  });

  it('compares by characters where there are no spaces', () => {
    const byCharacter = cider(characterTokenise);
    const others = [{ output: '', wanted: ['两只狗在河边'] }];
    const near = byCharacter([{ output: '一个男人骑马', wanted: ['一个女人骑马'] }, ...others]).perItem[0] ?? 0;
    const far = byCharacter([{ output: '一辆红色的车', wanted: ['一个女人骑马'] }, ...others]).perItem[0] ?? 0;
    expect(near).toBeGreaterThan(far);
  });
});
