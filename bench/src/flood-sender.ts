/** Run by flood.ts: URL of a server, JPEG file, number of pictures under way. Tells its parent of each answer. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { Agent, type IncomingMessage, request } from 'node:http';
import { servedModel } from './chat-client.ts';

/** Bytes after the end of a JPEG are no part of the picture, but of what it is known by. A multiple of 3, so that base64 has no padding. */
const OWN_BYTES = 24;

const [url = '', file = '', width = '1'] = process.argv.slice(2);
const jpeg = readFileSync(file);
const whole = Buffer.concat([jpeg, Buffer.alloc(OWN_BYTES + ((3 - (jpeg.length % 3)) % 3))]).toString('base64');
const content = [
  { type: 'image_url', image_url: { url: `data:image/jpeg;base64,${whole}` } },
  { type: 'text', text: '?' },
];
const body = JSON.stringify({ model: await servedModel(url), messages: [{ role: 'user', content }], max_tokens: 1 });
const end = body.indexOf(whole) + whole.length;
const agent = new Agent({ keepAlive: true });

const send = async (bytes: Buffer): Promise<void> => {
  bytes.write(randomBytes(OWN_BYTES).toString('base64'), end - (OWN_BYTES / 3) * 4);
  const headers = { 'content-type': 'application/json', 'content-length': bytes.length };
  const asked = request(`${url}/v1/chat/completions`, { method: 'POST', agent, headers });
  asked.end(bytes);
  const [answer] = (await once(asked, 'response')) as [IncomingMessage];
  const text = (await answer.toArray()).join('');
  if (answer.statusCode !== 200)
    throw new Error(`A picture of the flood was answered with ${answer.statusCode}: ${text}`);
};

const sendForEver = async (): Promise<never> => {
  const own = Buffer.from(body);
  for (;;) {
    await send(own);
    process.send?.('answered');
  }
};

await Promise.all(Array.from({ length: Number(width) }, sendForEver));
