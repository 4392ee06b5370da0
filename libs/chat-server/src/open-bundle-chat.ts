import { hash, randomInt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Bundle, Manifest } from '@eidetic/bundle';
import { type ChatService, type ChatServiceParts, createChatService, openChatFamily } from '@eidetic/chat';
import { GREEDY } from '@eidetic/core';

/** What answers chats about a bundle's model, beside its tokenizer and its defaults. */
export interface BundleChatParts extends Pick<ChatServiceParts, 'images' | 'decoder' | 'scopeOf'> {
  /** Most pictures in one dialog. */
  readonly maxImages: number;
}

/**
 * A chat service with the tokenizer, prompts and generation defaults of a bundle.
 *
 * @throws EideticError `invalid_bundle`, `invalid_checkpoint` when its files do not fit.
 */
export async function openBundleChat(bundle: Bundle, parts: BundleChatParts): Promise<ChatService> {
  const { manifest } = bundle;
  const { images, decoder, scopeOf, maxImages } = parts;
  const { temperature, topP, topK, repetitionPenalty, maxNewTokens } = manifest.generation;
  return createChatService({
    model: manifest.name,
    family: openChatFamily(manifest, await readFile(bundle.path(manifest.tokenizer.file))),
    images,
    decoder,
    scopeOf,
    limits: { maxImages },
    facts: { revision: revisionOf(manifest), tokensPerImage: manifest.vision.tokensPerImage },
    defaults: { sampling: { ...GREEDY, temperature, topP, topK, repetitionPenalty }, maxTokens: maxNewTokens },
    now: () => performance.now(),
    randomSeed: () => randomInt(2 ** 47),
  });
}

/** Weights, graphs and precisions in one word. */
function revisionOf({ source, vision, decoder }: Manifest): string {
  const { precision, headPrecision, dtype } = decoder;
  return hash('sha256', JSON.stringify([source, vision.fingerprint, precision, headPrecision, dtype]), 'hex');
}
