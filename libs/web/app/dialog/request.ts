import type { ChatRequest, ImagePart, Message, TextPart } from '@eidetic/client';
import type { Sampling } from '../preferences/preferences.ts';
import type { Picture, Turn } from './dialog.ts';

/**
 * The messages that ask for the last turn's answer. A question that got no answer is left out; its pictures move to the next
 * one, so that pictures keep their order.
 *
 * @param urlOf where the server finds a picture.
 */
export const toMessages = async (
  turns: readonly Turn[],
  urlOf: (picture: Picture) => Promise<string>,
): Promise<Message[]> => {
  const messages: Message[] = [];
  let content: (ImagePart | TextPart)[] = [];
  for (const [index, { question, pictures, answer }] of turns.entries()) {
    for (const picture of pictures) content.push({ type: 'image_url', image_url: { url: await urlOf(picture) } });
    const isLast = index === turns.length - 1;
    if (answer.raw === '' && !isLast) continue;
    messages.push({ role: 'user', content: [...content, { type: 'text', text: question }] });
    content = [];
    if (!isLast) messages.push({ role: 'assistant', content: answer.raw });
  }
  return messages;
};

/** The request for the last turn's answer. What the settings leave open is left to the server. */
export const toRequest = async (
  turns: readonly Turn[],
  { system, maxTokens, temperature, topP, seed }: Sampling,
  urlOf: (picture: Picture) => Promise<string>,
): Promise<ChatRequest> => ({
  messages: [...(system ? [{ role: 'system' as const, content: system }] : []), ...(await toMessages(turns, urlOf))],
  ...(temperature !== undefined && { temperature }),
  ...(topP !== undefined && { top_p: topP }),
  ...(maxTokens !== undefined && { max_completion_tokens: maxTokens }),
  ...(seed !== undefined && { seed }),
});
