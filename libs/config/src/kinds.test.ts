import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { boolean, duration, httpUrl, integer, list, oneOf, optional, origin, size, text } from './kinds.ts';

describe('kinds', () => {
  it.each([
    [duration(), '250ms', 250],
    [duration(), '30s', 30_000],
    [duration(), '1.5m', 90_000],
    [duration(), '2h', 7_200_000],
    [duration(), '596h', 2_145_600_000],
    [duration(), '0s', 0],
    [duration(1000), '1s', 1000],
    [duration(), ' 5 s ', 5000],
    [size(), '512B', 512],
    [size(), '64KiB', 65_536],
    [size(), '2MiB', 2_097_152],
    [size(), '1.5GiB', 1_610_612_736],
    [integer({ min: 0, max: 65_535 }), '8080', 8080],
    [integer({ min: -5, max: 5 }), '-5', -5],
    [boolean(), 'true', true],
    [boolean(), 'false', false],
    [oneOf(['int8', 'float32']), 'int8', 'int8'],
    [text(), ' models ', 'models'],
    [httpUrl(), ' http://collector:4318 ', 'http://collector:4318'],
    [httpUrl(), 'https://[::1]/otlp', 'https://[::1]/otlp'],
    [origin(), ' https://a.example ', 'https://a.example'],
    [origin(), 'http://localhost:5173', 'http://localhost:5173'],
    [origin(), '*', '*'],
    [optional(duration()), ' none ', undefined],
    [optional(duration()), '5s', 5000],
    [list(integer({ min: 1, max: 9 })), ' 3, 1,3 ', [3, 1, 3]],
  ])('%# reads %s as its value', (kind, written, value) => {
    expect(kind.parse(written)).toEqual(value);
  });

  it.each([
    ['duration', duration(), ['30', 's', '-1s', '1d', '0.1ms', '1e3s', '597h', '9007199254740993ms']],
    ['duration of at least a second', duration(1000), ['0s', '999ms']],
    ['size', size(), ['2MB', '2', 'MiB', '-1KiB', '0.3B', '2 mib']],
    ['integer', integer({ min: 1, max: 9 }), ['0', '10', '1.5', '', 'x', '0x1', '1e0', '99999999999999999999']],
    ['origin', origin(), ['a.example', 'https://a.example/', 'https://A.example', 'https://a.example/x', 'null', '']],
    ['boolean', boolean(), ['1', 'yes', 'TRUE', '', 'toString']],
    ['oneOf', oneOf(['int8']), ['int4', '', 'INT8']],
    ['text', text(), ['', '  ']],
    ['httpUrl', httpUrl(), ['', 'collector:4318', 'localhost', 'ftp://collector', 'http://']],
    ['list', list(integer({ min: 1, max: 9 })), ['', '1,', ',', '1,10', '1 2']],
    ['optional', optional(oneOf(['int8'])), ['', 'None', 'int4']],
  ])('%s refuses what it cannot read exactly', (_, kind, refused) => {
    expect(refused.filter((written) => kind.safeParse(written).success)).toEqual([]);
  });

  it('says what it expects', () => {
    expect(integer({ min: 1, max: 9 }).description).toBe('a whole number from 1 to 9');
    expect(optional(integer({ min: 1, max: 9 })).description).toBe('a whole number from 1 to 9, or none');
    expect(oneOf(['a', 'b']).safeParse('c').error?.issues[0]?.message).toBe('expected one of a, b');
  });

  it('reads every integer in its range and no other', () => {
    const kind = integer({ min: -1000, max: 1000 });
    fc.assert(
      fc.property(fc.integer({ min: -2000, max: 2000 }), (value) => {
        expect(kind.safeParse(String(value)).success).toBe(Math.abs(value) <= 1000);
      }),
    );
  });
});
