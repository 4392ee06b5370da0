import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NUMBER_SETTINGS, parsePreferences, readNumber } from './preferences.ts';

describe('parsePreferences', () => {
  it('takes the language of the browser until told otherwise', () => {
    expect(parsePreferences(null, 'zh-TW')).toEqual({ language: 'zh', theme: 'system', sampling: {} });
    expect(parsePreferences('{"language":"en"}', 'zh-CN').language).toBe('en');
  });

  it('gives back what was stored', () => {
    const preferences = {
      language: 'zh',
      theme: 'dark',
      sampling: { temperature: 0, topP: 0.3, maxTokens: 12, seed: 5, system: 'Be brief.' },
    };
    expect(parsePreferences(JSON.stringify(preferences), 'en')).toEqual(preferences);
  });

  it('reads anything without failing, and nothing out of bounds', () => {
    const stored = fc.oneof(
      fc.string(),
      fc.json(),
      fc.record({ sampling: fc.object() }).map((value) => JSON.stringify(value)),
    );
    fc.assert(
      fc.property(stored, (text) => {
        const { sampling } = parsePreferences(text, 'en');
        for (const { name, min, max } of NUMBER_SETTINGS) {
          const value = sampling[name] ?? min;
          expect(value >= min && value <= max).toBe(true);
        }
      }),
    );
  });
});

describe('readNumber', () => {
  const [temperature, , maxTokens] = NUMBER_SETTINGS;
  it.each([
    [temperature, '0.7', 0.7],
    [temperature, '', undefined],
    [temperature, '2.1', undefined],
    [temperature, 'warm', undefined],
    [maxTokens, '12', 12],
    [maxTokens, '1.5', undefined],
  ])('reads %o %s as %s', (setting, text, value) => {
    expect(setting && readNumber(setting, text)).toBe(value);
  });
});
