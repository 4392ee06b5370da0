import type { ChatService } from '@eidetic/chat';

/** A white picture of one pixel, as PNG. */
const PIXEL = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAsTj2FAAAAABJRU5ErkJggg==',
  'base64',
);

/**
 * Answers one question about pictures, one unless others are given, so that worker threads, memory arenas and code are warm when the first visitor asks, and
 * a model that cannot run is found before the server calls itself ready.
 *
 * @throws EideticError what `chat` throws.
 */
export const warmUp = async (chatService: ChatService, pictures: readonly Uint8Array[] = [PIXEL]): Promise<void> => {
  const images = pictures.map((bytes) => ({ kind: 'image', source: { kind: 'bytes', bytes } }) as const);
  const events = chatService.chat({
    requestId: 'warm-up',
    messages: [{ role: 'user', content: [...images, { kind: 'text', text: '?' }] }],
    sampling: {},
    maxTokens: 2,
    stop: [],
  });
  for await (const event of events) if (event.kind === 'finished') return;
};
