import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { hasPython, inPython, runPython } from '../support/python.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

const ANSWER = '<ref>the steam train</ref><box>(209,26),(906,772)</box>';

/** What openai_chat.py saw. */
interface Seen {
  readonly models: readonly string[];
  readonly whole: { readonly request_id: string };
  readonly streamed: object;
  readonly second_turn: boolean;
  readonly logprobs: string;
  readonly structured: string;
  readonly files: object;
  readonly batch: object;
  readonly failures: Readonly<Record<string, readonly unknown[]>>;
  readonly retried: object;
}

describe.skipIf(!hasPython)(inPython('the openai SDK for Python'), () => {
  let seen: Seen;

  beforeAll(async () => {
    await using server = await StandaloneServer.start();
    await using busy = await StandaloneServer.start({ EIDETIC_SLOTS: '1', EIDETIC_MAX_WAITING: '0' });
    const picture = join(GOLDENS_DIRECTORY, 'images/17-ground-1.png');
    const script = join(import.meta.dirname, 'openai_chat.py');
    seen = JSON.parse(await runPython(script, server.url, busy.url, picture));
  });

  it('lists the model that is served', () => {
    expect(seen.models).toEqual(['qwen-vl-nano-chat']);
  });

  it('gets a whole answer about a picture, with its boxes and counts', () => {
    expect(seen.whole).toEqual({
      content: ANSWER,
      grounding: [{ text: 'the steam train', box: { x1: 47, y1: 6, x2: 203, y2: 173 }, imageIndex: 0 }],
      finish_reason: 'stop',
      prompt_tokens: 103,
      width: 224,
      request_id: expect.stringMatching(/^[\w-]{36}$/),
    });
  });

  it('streams the same answer', () => {
    expect(seen.streamed).toEqual({ content: ANSWER, completion_tokens: 23 });
  });

  it('sends its own answer back as history, and names the picture', () => {
    expect(seen.second_turn).toBe(true);
  });

  it('gets the log probability of every token', () => {
    expect(seen.logprobs).toBe(ANSWER);
  });

  it('parses structured output by a pydantic model', () => {
    expect(seen.structured).toBe('Thing');
  });

  it('keeps files, and names a picture by its id', () => {
    expect(seen.files).toEqual({ content: ANSWER, listed: true, same_size: true, deleted: true });
  });

  it('has a batch answered', () => {
    expect(seen.batch).toEqual({ status: 'completed', custom_id: 'one', content: ANSWER });
  });

  it('throws the class of error that the status is, with code and parameter', () => {
    expect(seen.failures).toEqual({
      temperature: ['BadRequestError', 400, 'invalid_request', 'temperature'],
      model: ['NotFoundError', 404, 'model_not_found', 'model'],
      length: ['BadRequestError', 400, 'context_length_exceeded', 'max_tokens'],
      picture: ['BadRequestError', 400, 'invalid_image', 'messages[0].content[0].image_url.url'],
      extension: ['BadRequestError', 400, 'invalid_request', 'top_k'],
    });
  });

  it('asks an overloaded server again, as late as it says', () => {
    expect(seen.retried).toEqual({ refused: ['overloaded', '1'], first: 429, last: 200, tokens: 2 });
  });
});
