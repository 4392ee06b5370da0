import { EideticError, type Prompt, type PromptMessage, type PromptPart, type PromptSegment } from '@eidetic/core';
import { lastPictureNamed } from './grounding.ts';
import type { Tokenizer } from './tokenizer.ts';

/** How a dialog is laid out: `chatml` for chat models, `raw` for base models. */
export type ChatFormat = 'chatml' | 'raw';

const DEFAULT_SYSTEM = 'You are a helpful assistant.';

/**
 * Refuses dialogs that have no prompt: an empty one, one whose last message is not the user's, a system message that
 * is not the first. Pictures may stand in any message: the format has the same tags in all of them.
 *
 * @throws EideticError `invalid_request`, naming the index of the message.
 */
export function checkDialog(messages: readonly Pick<PromptMessage, 'role'>[]): void {
  for (const [index, { role }] of messages.entries()) {
    if (role === 'system' && index > 0) {
      throw invalid(`messages[${index}]: only the first message may have the role system.`);
    }
  }
  const last = messages.at(-1);
  if (last === undefined) throw invalid('messages: the dialog is empty. Send at least one message of the user.');
  if (last.role !== 'user') {
    throw invalid(
      `messages[${messages.length - 1}]: the last message must be the user's, this one is the ${last.role}'s.`,
    );
  }
}

/**
 * Encodes a dialog for the model.
 *
 * `chatml` is Qwen's chat template (`make_context` in `qwen_generation_utils.py`): every role and every content is
 * encoded by itself between control tokens. `raw` joins the contents with nothing between and nothing around.
 * Pictures read `Picture N: <img>…</img>` and a line end, N counting over the whole dialog.
 */
export function buildPrompt(messages: readonly PromptMessage[], tokenizer: Tokenizer, format: ChatFormat): Prompt {
  checkDialog(messages);
  const writer = createWriter(tokenizer);
  if (format === 'raw') {
    writer.contents(messages.flatMap((message) => message.content));
  } else {
    const newline = tokenizer.encode('\n');
    const turn = ({ role, content }: PromptMessage): void => {
      writer.ids([tokenizer.id('<|im_start|>'), ...tokenizer.encode(role), ...newline]);
      writer.contents(content);
      writer.ids([tokenizer.id('<|im_end|>'), ...newline]);
    };
    if (messages[0]?.role !== 'system') turn({ role: 'system', content: [{ kind: 'text', text: DEFAULT_SYSTEM }] });
    for (const message of messages) turn(message);
    writer.ids([tokenizer.id('<|im_start|>'), ...tokenizer.encode('assistant'), ...newline]);
  }
  const pictures = messages.flatMap(({ content }) => picturesIn(content)).length;
  return { segments: writer.end(), picture: meantPicture(messages.at(-1)?.content ?? [], pictures) };
}

/**
 * Encodes a text for the model to go on with, as the evaluations of the base model do: nothing around it, and pictures as
 * `<img>…</img>` without a number in front or a line end behind.
 */
export function buildRawPrompt(parts: readonly PromptPart[], tokenizer: Tokenizer): Prompt {
  const writer = createWriter(tokenizer);
  for (const part of parts) {
    if (part.kind === 'text') writer.ids(tokenizer.encode(part.text));
    else writer.picture(part);
  }
  return { segments: writer.end(), picture: meantPicture(parts, picturesIn(parts).length) };
}

/** The same prompt as flat ids, with a pad id at every position of a picture: what the reference's tokenizer returns. */
export function flattenPrompt(segments: readonly PromptSegment[], tokenizer: Tokenizer): number[] {
  const pad = tokenizer.id('<imgpad>');
  return segments.flatMap((segment) => (segment.kind === 'tokens' ? segment.ids : Array(segment.tokens).fill(pad)));
}

function createWriter(tokenizer: Tokenizer) {
  const segments: PromptSegment[] = [];
  let ids: number[] = [];
  let pictures = 0;

  const write = (more: readonly number[]): void => {
    for (const id of more) ids.push(id);
  };
  const picture = ({ key, tokens }: Extract<PromptPart, { kind: 'image' }>): void => {
    write([tokenizer.id('<img>')]);
    segments.push({ kind: 'tokens', ids }, { kind: 'image', key, tokens });
    ids = [tokenizer.id('</img>')];
  };
  const contents = (parts: PromptMessage['content']): void => {
    // Text on both sides of a boundary is encoded together, such as the line end after a picture with the question.
    let text = '';
    for (const part of parts) {
      if (part.kind === 'text') {
        text += part.text;
        continue;
      }
      pictures += 1;
      write(tokenizer.encode(`${text}Picture ${pictures}: `));
      picture(part);
      text = '\n';
    }
    write(tokenizer.encode(text));
  };
  const end = (): PromptSegment[] => (ids.length === 0 ? segments : [...segments, { kind: 'tokens', ids }]);
  return { ids: write, picture, contents, end };
}

const picturesIn = (parts: readonly PromptPart[]): PromptPart[] => parts.filter((part) => part.kind === 'image');

/** The picture of so many that a question names, otherwise the latest one (`draw_bbox_on_latest_picture`). */
function meantPicture(question: readonly PromptPart[], pictures: number): number {
  const text = question.map((part) => (part.kind === 'text' ? part.text : ''));
  const named = lastPictureNamed(text.join('\n'));
  return named !== undefined && named < pictures ? named : pictures - 1;
}

/** What is wrong comes after a path and a colon; clients get the path by itself too. */
function invalid(message: string): EideticError {
  return new EideticError('invalid_request', message, { details: { param: message.slice(0, message.indexOf(':')) } });
}
