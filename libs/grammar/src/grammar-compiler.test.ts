import type { EideticError, Grammar } from '@eidetic/core';
import { afterEach, expect, test } from 'vitest';
import { type ClosableGrammarCompiler, createGrammarCompiler, type GrammarLimits } from './grammar-compiler.ts';
import { allowedIds, byteTokens, NANO, NANO_STOP, smallVocabulary } from './testing.ts';

let compiler: ClosableGrammarCompiler;
afterEach(() => compiler.close());

function start(limits: Partial<GrammarLimits> = {}): ClosableGrammarCompiler {
  compiler = createGrammarCompiler({ vocabulary: NANO, limits });
  return compiler;
}

const YES_NO: Grammar = { kind: 'regex', pattern: 'yes|no' };
/** Every byte can be read at thousands of places. */
const SLOW: Grammar = { kind: 'regex', pattern: '(.?){3000}' };

test('allows the stop tokens of the request where the answer may end, and no special token or padding anywhere', async () => {
  start();
  const matcher = await compiler.compile({ kind: 'regex', pattern: 'a*' }, [NANO_STOP, 4096]);
  const ids = allowedIds(matcher.first);
  expect(ids.filter((id) => NANO.bytes(id).length === 0)).toEqual([4096, NANO_STOP]);
  const strict = await compiler.compile({ kind: 'regex', pattern: '.+' }, [NANO_STOP]);
  expect(allowedIds(strict.first).filter((id) => NANO.bytes(id).length === 0)).toEqual([]);
});

test('allows nothing behind the stop token', async () => {
  start();
  const matcher = await compiler.compile({ kind: 'regex', pattern: 'a*' }, [NANO_STOP]);
  expect(allowedIds(await matcher.accept(NANO_STOP))).toEqual([]);
  await expect(matcher.accept(NANO_STOP)).rejects.toMatchObject({ code: 'inference_failed' });
});

test('keeps an ordinary token that stops the answer out of the middle of it', async () => {
  compiler = createGrammarCompiler({ vocabulary: smallVocabulary(['a', 'b', 'a', 'ab']) });
  const matcher = await compiler.compile({ kind: 'regex', pattern: 'aba?' }, [0]);
  // Token 2 has the same bytes as the one that stops.
  expect(allowedIds(matcher.first)).toEqual([2, 3]);
  expect(allowedIds(await matcher.accept(3))).toEqual([0, 2]);
});

test('fails for a token that the mask does not have', async () => {
  start();
  const matcher = await compiler.compile(YES_NO, [NANO_STOP]);
  await expect(matcher.accept(NANO_STOP)).rejects.toMatchObject({ code: 'inference_failed' });
});

test('gives up a grammar that takes too long, at once the next time, while other answers go on as if nothing had been', async () => {
  start({ timeLimitMs: 250 });
  const path = byteTokens(NANO, 'yes');
  const undisturbed = await compiler.compile(YES_NO, [NANO_STOP]);
  const expected: Int32Array[] = [];
  for (const id of path) expected.push(await undisturbed.accept(id));

  const disturbed = await compiler.compile(YES_NO, [NANO_STOP]);
  const masks = [await disturbed.accept(path[0] ?? -1)];
  const slow = compiler.compile(SLOW, [NANO_STOP]).catch((reason: EideticError) => reason);
  // Queued behind the slow one in the worker that is going to be replaced.
  const during = disturbed.accept(path[1] ?? -1);
  const refusal = await slow;
  expect(refusal).toMatchObject({ code: 'invalid_request', details: { timeLimitMs: 250, param: 'grammar' } });
  masks.push(await during, await disturbed.accept(path[2] ?? -1));
  expect(masks).toEqual(expected);
  await expect(compiler.compile(SLOW, [NANO_STOP])).rejects.toBe(refusal);
});

test('gives up a grammar that takes too much memory, while other answers go on', async () => {
  start({ maxMemoryBytes: 33_554_432, timeLimitMs: 60_000 });
  const matcher = await compiler.compile(YES_NO, [NANO_STOP]);
  await expect(compiler.compile(SLOW, [NANO_STOP])).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('bytes of memory'),
  });
  const [y = -1, e = -1] = byteTokens(NANO, 'ye');
  expect(allowedIds(await matcher.accept(y))).toContain(e);
});

test('refuses a grammar of more states than the limit', async () => {
  start({ maxStates: 100 });
  await expect(compiler.compile({ kind: 'regex', pattern: 'a{101}' }, [NANO_STOP])).rejects.toMatchObject({
    code: 'invalid_request',
    message: expect.stringContaining('more than 100 states'),
  });
});

test('holds nothing for answers that are over, however many there were', async () => {
  start({ maxCompiled: 8, maxPositions: 16, maxMasks: 16 });
  for (let i = 0; i < 3_000; i++) {
    const matcher = await compiler.compile({ kind: 'regex', pattern: `a{${1 + (i % 40)}}` }, [NANO_STOP]);
    if (i % 2 === 0) await matcher.accept(allowedIds(matcher.first)[0] ?? -1);
    matcher.release();
    matcher.release();
  }
  expect(await compiler.usage()).toEqual({ matchers: 0, compiled: 8 });
});

test('follows answers rightly though positions are forgotten all the time', async () => {
  start({ maxPositions: 1 });
  const matcher = await compiler.compile({ kind: 'json-object' }, [NANO_STOP]);
  let mask = matcher.first;
  for (const id of byteTokens(NANO, '{"a": [1, {"b": "中"}, [[]]]}')) {
    expect(allowedIds(mask)).toContain(id);
    mask = await matcher.accept(id);
  }
  expect(allowedIds(mask)).toEqual([NANO_STOP]);
});

test('fails what waits, and what comes later, with unavailable when closed', async () => {
  start();
  const waits = compiler.compile(YES_NO, [NANO_STOP]).catch((reason: EideticError) => reason);
  await compiler.close();
  expect(await waits).toMatchObject({ code: 'unavailable' });
  await expect(compiler.compile(YES_NO, [NANO_STOP])).rejects.toMatchObject({ code: 'unavailable' });
});
