import { describe, expect, it } from 'vitest';
import { scoreAnswer } from './score.ts';

describe('scoreAnswer', () => {
  it('ignores white space and full stops at the end', () => {
    expect(scoreAnswer('It is a ring.', '  It  is a\nring ')).toEqual({ exact: true });
    expect(scoreAnswer('这是一个橙子。', '这是一个橙子')).toEqual({ exact: true });
  });

  it('tells letters, case and other punctuation apart', () => {
    expect(scoreAnswer('It is a ring.', 'it is a ring.').exact).toBe(false);
    expect(scoreAnswer('It is a ring.', 'It is a ring!').exact).toBe(false);
  });

  it('compares boxes in order and counts a missing one as 0', () => {
    const wanted = '<box>(0,0),(10,10)</box><box>(20,20),(30,30)</box>';
    expect(scoreAnswer(wanted, wanted).boxes).toEqual({ meanIou: 1, found: 1 });
    expect(scoreAnswer(wanted, '<box>(0,0),(10,10)</box>').boxes).toEqual({ meanIou: 0.5, found: 0.5 });
    expect(scoreAnswer(wanted, '<box>(20,20),(30,30)</box><box>(0,0),(10,10)</box>').boxes?.meanIou).toBe(0);
    expect(scoreAnswer(wanted, 'I see none.').boxes).toEqual({ meanIou: 0, found: 0 });
  });

  it('leaves boxes out where none is wanted', () => {
    expect(scoreAnswer('None.', '<box>(0,0),(1,1)</box>')).toEqual({ exact: false });
  });

  it('counts an overlap of exactly one half as found', () => {
    expect(scoreAnswer('(0,0),(10,10)', '(0,0),(10,5)').boxes).toEqual({ meanIou: 0.5, found: 1 });
  });
});
