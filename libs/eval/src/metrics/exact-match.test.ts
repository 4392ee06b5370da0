import { describe, expect, it } from 'vitest';
import { exactMatch } from './exact-match.ts';

describe('exactMatch', () => {
  it('takes any of the wanted answers, whatever the case and the white space at the ends', () => {
    const wanted = ['Stephen King', 'S. King'];
    const outputs = [' stephen king\n', 's. king', 'Stephen  King', ''];
    const { score, perItem } = exactMatch(outputs.map((output) => ({ output, wanted })));
    expect(perItem).toEqual([1, 1, 0, 0]);
    expect(score).toBe(0.5);
  });

  it('refuses to score nothing', () => {
    expect(() => exactMatch([])).toThrow(expect.objectContaining({ code: 'invalid_request' }));
  });
});
