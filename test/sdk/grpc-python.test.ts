import { hash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { GOLDENS_DIRECTORY } from '../support/goldens.ts';
import { hasPython, inPython, runPython } from '../support/python.ts';
import { StandaloneServer } from '../support/standalone-server.ts';

/** What grpc_chat.py saw. */
interface Seen {
  readonly models: readonly string[];
  readonly uploaded: readonly [string, number, number];
  readonly encoded: readonly [boolean, number, number, number];
  readonly inline: object;
  readonly named: object;
  readonly cancelled: object;
  readonly late: object;
  readonly wrong: object;
  readonly no_picture: object;
}

describe.skipIf(!hasPython)(inPython('a client generated in Python'), () => {
  const picture = join(GOLDENS_DIRECTORY, 'images/17-ground-1.png');
  const imageId = hash('sha256', readFileSync(picture), 'hex');
  let seen: Seen;

  beforeAll(async () => {
    await using server = await StandaloneServer.start();
    const script = join(import.meta.dirname, 'grpc_chat.py');
    seen = JSON.parse(await runPython(script, server.grpc, join(import.meta.dirname, '../../proto'), picture));
  });

  it('lists the model that is served', () => {
    expect(seen.models).toEqual(['qwen-vl-nano-chat']);
  });

  it('uploads a picture in pieces, compressed, and gets its embedding', () => {
    expect(seen.uploaded).toEqual([imageId, 224, 224]);
    expect(seen.encoded).toEqual([true, 64, 320, 64 * 320 * 4]);
  });

  it('streams a chat about it and gets boxes, whether it is sent or named', () => {
    const answer = {
      text: '<ref>the steam train</ref><box>(209,26),(906,772)</box>',
      boxes: [['the steam train', 47, 6, 203, 173]],
      images: [[imageId, 224, 224, true]],
      prompt_tokens: 103,
    };
    expect(seen.inline).toEqual(answer);
    expect(seen.named).toEqual(answer);
  });

  it('reads by code, reason and field what was wrong', () => {
    expect(seen.wrong).toEqual({ code: 'INVALID_ARGUMENT', reason: 'invalid_request', field: 'stop[0]' });
    expect(seen.no_picture).toEqual({
      code: 'INVALID_ARGUMENT',
      reason: 'invalid_image',
      field: 'messages[0].content[0].image',
    });
  });

  it('cancels, and sets deadlines', () => {
    expect(seen.cancelled).toMatchObject({ code: 'CANCELLED' });
    expect(seen.late).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });
});
