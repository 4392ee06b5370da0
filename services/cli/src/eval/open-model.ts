import { type Answerer, type AskOptions, chatAnswerer, firstModel, openAiAnswerer } from '@eidetic/eval';
import type { Answering } from './arguments.ts';

/** Who answers, until it is disposed of. */
export interface OpenModel extends AsyncDisposable {
  /** Tells results of one model from those of another. */
  readonly name: string;
  answerer(options: Omit<AskOptions, 'model'>): Answerer;
}

/** Digits of a revision that tell it from others. */
const REVISION_DIGITS = 12;

/**
 * A model behind a server, or one that is loaded into this process.
 *
 * @throws EideticError `unavailable` when the server does not list a model; `invalid_config`, `invalid_checkpoint`, `invalid_bundle` when the
 *   model cannot be loaded; `cancelled`.
 */
export async function openModel(
  answering: Answering,
  context: { readonly onProgress: (step: string) => void; readonly signal: AbortSignal },
): Promise<OpenModel> {
  if (answering.kind === 'server') {
    const { server } = answering;
    const model = answering.model ?? (await firstModel(server));
    return {
      name: model,
      answerer: (options) => openAiAnswerer(server, { ...options, model }),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  // Whoever asks a server needs no engine, which takes long to load.
  const { localConfig, startLocalChat } = await import('./local-chat.ts');
  const local = await startLocalChat(localConfig(process.env, answering.folder), context);
  const { chat } = local;
  return {
    // Another precision is another revision, and gives other answers.
    name: `${chat.model} ${chat.facts?.revision.slice(0, REVISION_DIGITS) ?? ''}`.trim(),
    answerer: (options) => chatAnswerer(chat, options),
    [Symbol.asyncDispose]: () => local[Symbol.asyncDispose](),
  };
}
