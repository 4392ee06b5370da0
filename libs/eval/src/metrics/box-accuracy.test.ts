import { describe, expect, it } from 'vitest';
import { boxAccuracy } from './box-accuracy.ts';

const wanted = { box: [0, 0, 640, 480], width: 640, height: 480 } as const;

function score(output: string): number {
  return boxAccuracy([{ output, wanted }]).score;
}

describe('boxAccuracy', () => {
  it('reads the first box of the output and turns it into pixels', () => {
    expect(score('<ref>all of it</ref><box>(0,0),(999,999)</box>')).toBe(1);
    expect(score('<box>(0,0),(999,499)</box><box>(0,0),(999,999)</box>')).toBe(0);
    expect(score('<box>(0,0),(999,500)</box>')).toBe(1);
  });

  it.each(['', 'I see none.', '(1,2)', '(0,0),(999)', '(0,0,0),(999,999)', '(0,0),(999,999,999)', '(a,0),(999,999)'])(
    'counts %j as no box',
    (output) => expect(score(output)).toBe(0),
  );
});
