import { describe, expect, it } from 'vitest';
import { PrefillPacer } from './prefill-pacer.ts';

/** A machine on which a decode step takes `stepMs`, and a part `fixedMs` and `rowMs` for each position. */
function settle(share: number, { stepMs = 10, fixedMs = 0, rowMs = 0.1, chunk = 512 } = {}): number {
  const pacer = new PrefillPacer({ chunk, share });
  for (let i = 0; i < 50; i++) {
    pacer.decoded(stepMs);
    const rows = pacer.rows(true);
    pacer.prefilled(rows, fixedMs + rows * rowMs);
  }
  return pacer.rows(true);
}

describe('PrefillPacer', () => {
  it('takes a whole chunk when no answer is running', () => {
    expect(new PrefillPacer({ chunk: 300, share: 0.5 }).rows(false)).toBe(300);
  });

  it.each([
    ['0.05 ms a position, as long as it may be held up for', 0.05, 200],
    ['a GPU that has done a chunk before that', 0.001, 512],
    ['a model of the published size on two cores, of which every part takes longer', 35, 32],
  ])('cuts prompts into parts that do not hold up the next for long: %s', (_, rowMs, rows) => {
    const pacer = new PrefillPacer({ chunk: 512, share: 0.5 });
    for (let i = 0; i < 5; i++) pacer.prefilled(pacer.partRows(false), pacer.partRows(false) * rowMs);
    pacer.prefilled(3, 9);
    expect(pacer.partRows(false)).toBe(rows);
  });

  it('takes whole chunks from running answers too when it is told to give prompts all the time', () => {
    expect(new PrefillPacer({ chunk: 300, share: 1 }).rows(true)).toBe(300);
  });

  it('gives prompts the share of the time that it was told to', () => {
    expect(settle(0.5)).toBe(100);
    expect(settle(0.25)).toBe(33);
    expect(settle(0.8)).toBe(400);
  });

  it('counts what a part costs besides its positions', () => {
    // 5 + rows / 10 = 10
    expect(settle(0.5, { fixedMs: 5 })).toBeGreaterThan(45);
    expect(settle(0.5, { fixedMs: 5 })).toBeLessThan(55);
  });

  it('never takes more than a chunk, nor so little that prompts do not get on', () => {
    expect(settle(0.9)).toBe(512);
    expect(settle(0.1, { stepMs: 0.1 })).toBe(16);
    expect(settle(0.5, { chunk: 8 })).toBe(8);
  });

  it('takes fewer positions where sixteen would hold up running answers for long, as in models of the published size', () => {
    // Qwen-VL-Chat on two cores: 140 ms for a token, 55 ms for a position of a prompt.
    expect(settle(0.5, { stepMs: 280, rowMs: 55 })).toBe(5);
    expect(settle(0.5, { stepMs: 140, rowMs: 55 })).toBe(4);
  });

  it('is not thrown off by the short rest of a prompt, nor by one slow step', () => {
    const pacer = new PrefillPacer({ chunk: 512, share: 0.5 });
    for (let i = 0; i < 50; i++) {
      pacer.decoded(10);
      pacer.prefilled(pacer.rows(true), pacer.rows(true) / 10);
    }
    pacer.prefilled(3, 9);
    expect(pacer.rows(true)).toBe(100);
    pacer.decoded(1000);
    pacer.prefilled(100, 10);
    expect(pacer.rows(true)).toBe(200);
  });
});
