/** A picture to ask about. */
export type EvalPicture =
  /** The absolute path of a file. */
  | { readonly type: 'image'; readonly image: string }
  /** Reads the bytes of a JPEG, PNG, WebP or GIF file, for data sets that bring their pictures along. */
  | { readonly type: 'image'; readonly read: () => Promise<Uint8Array> };

/** A part of a message or of a prompt. */
export type EvalPart = { readonly type: 'text'; readonly text: string } | EvalPicture;

/** One message of a dialog. */
export interface EvalMessage {
  readonly role: 'system' | 'user' | 'assistant';
  readonly content: string | readonly EvalPart[];
}

/** One thing to ask. */
export interface EvalQuestion {
  /** Unique in its data set. */
  readonly id: string;
  /** A dialog, for chat models. The last message is the user's. */
  readonly messages: readonly EvalMessage[];
  /** A text to go on with, for base models; absent where a data set has dialogs only. */
  readonly prompt?: readonly EvalPart[];
  /** Answers to choose from, such as `A` to `D`. */
  readonly choices?: readonly string[];
  /** Questions with the same unit are only scored together, so that a smaller selection has all of them or none. */
  readonly unit?: string;
}

/** How a question is put: as a text to go on with, or as a turn of a dialog. */
export type PromptStyle = 'raw' | 'chat';

/** A question about pictures, the same text for both styles unless another one is given for dialogs. */
export function pictureQuestion(
  id: string,
  content: readonly EvalPart[],
  more: Partial<Pick<EvalQuestion, 'choices' | 'unit'>> & { readonly chat?: readonly EvalPart[] } = {},
): EvalQuestion {
  const { chat = content, ...rest } = more;
  return { id, prompt: content, messages: [{ role: 'user', content: chat }], ...rest };
}

/** The parts that a question is put with. */
export function partsOf({ prompt, messages }: EvalQuestion, style: PromptStyle): readonly EvalPart[] {
  if (style === 'raw' && prompt !== undefined) return prompt;
  return messages.flatMap(({ content }) => (typeof content === 'string' ? { type: 'text', text: content } : content));
}
