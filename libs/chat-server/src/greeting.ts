/** What is said once chats are answered: where, and a first thing to try. */
export const greeting = (address: string, model: string): string => {
  const body = JSON.stringify({ model, messages: [{ role: 'user', content: 'Hello!' }] });
  return [
    `Eidetic serves ${model} on ${address} (web page; the OpenAI API is under /v1). Try:`,
    `  curl ${address}/v1/chat/completions -H 'content-type: application/json' -d '${body}'`,
  ].join('\n');
};
