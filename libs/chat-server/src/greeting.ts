import type { Addresses } from '@eidetic/rpc-service';

/** What is said once chats are answered: where, and a first thing to try. */
export const greeting = ({ http, grpc }: Addresses, model: string): string => {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] });
  return [
    `Eidetic serves ${model} on ${http} (web page; the OpenAI API is under /v1) and on ${grpc} (gRPC). Try:`,
    `  curl ${http}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`,
  ].join('\n');
};
