import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChatRequest, type ChatResponse, ChatServiceDefinition, type ContentPart, Role } from '@eidetic/proto';
import { RpcChannel } from '@eidetic/rpc';
import { onTestFinished } from 'vitest';
import { GOLDENS_DIRECTORY, type GoldenCase } from './goldens.ts';

const ROLES: Readonly<Record<string, Role>> = {
  system: Role.ROLE_SYSTEM,
  user: Role.ROLE_USER,
  assistant: Role.ROLE_ASSISTANT,
};

/** A text as a part of a message. */
export const textPart = (value: string): ContentPart => ({ part: { $case: 'text', value } });

/** A picture as a part of a message. */
export const picturePart = (value: Uint8Array): ContentPart => ({
  part: { $case: 'image', value: { source: { $case: 'data', value } } },
});

/** A picture that was sent before, as a part of a message. */
export const namedPart = (value: string): ContentPart => ({
  part: { $case: 'image', value: { source: { $case: 'imageId', value } } },
});

/** A request about one message, unless `fields` say something else. */
export const rpcRequest = (content: readonly ContentPart[], fields: Partial<ChatRequest> = {}): ChatRequest => ({
  ...ChatRequest.decode(Uint8Array.of()),
  messages: [{ role: Role.ROLE_USER, content: [...content] }],
  ...fields,
});

/** The dialog of a golden case, pictures inline. */
export const rpcDialog = ({ messages }: GoldenCase, fields: Partial<ChatRequest> = {}): ChatRequest =>
  rpcRequest([], {
    messages: messages.map(({ role, content }) => ({
      role: ROLES[role] ?? Role.ROLE_UNSPECIFIED,
      content:
        typeof content === 'string'
          ? [textPart(content)]
          : content.map((part) =>
              part.type === 'text'
                ? textPart(part.text)
                : picturePart(readFileSync(join(GOLDENS_DIRECTORY, part.image))),
            ),
    })),
    ...fields,
  });

/** A channel that ends with the test. */
export const channelTo = (address: string): RpcChannel => {
  const channel = new RpcChannel(address);
  onTestFinished(() => channel[Symbol.dispose]());
  return channel;
};

type Events = readonly NonNullable<ChatResponse['event']>[];
type EventOf<Kind extends Events[number]['$case']> = Extract<Events[number], { readonly $case: Kind }>['value'];

/** An answer in one piece. */
export interface RpcAnswer {
  readonly text: string;
  readonly events: Events;
  all<Kind extends Events[number]['$case']>(kind: Kind): EventOf<Kind>[];
}

/** Asks and waits for the whole answer. */
export const rpcChat = async (
  channel: RpcChannel,
  request: ChatRequest,
  options: Parameters<RpcChannel['stream']>[3] = {},
): Promise<RpcAnswer> => {
  const messages = await Array.fromAsync(channel.stream(ChatServiceDefinition, 'chat', request, options));
  const events = messages.flatMap(({ event }) => event ?? []);
  const all = <Kind extends Events[number]['$case']>(kind: Kind) =>
    events.flatMap(({ $case, value }) => ($case === kind ? [value as EventOf<Kind>] : []));
  return {
    events,
    all,
    text: all('text')
      .map(({ text }) => text)
      .join(''),
  };
};
