// `helm test`: asks the gateway at the URL given what is in a picture, and fails unless words come back. In the image, without packages.

const PICTURE =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAACAAAAAgCAIAAAD8GO2jAAAAL0lEQVR42mP4T2PAMGrBqAVD2IITcnIkoVELRi0YtWDUglELhqcFo1XmqAUjyAIA8ev7iINTJaAAAAAASUVORK5CYII=';

const [url] = process.argv.slice(2);
const key = process.env.API_KEY;

const ask = async (path: string, body?: object) => {
  const response = await fetch(`${url}${path}`, {
    method: body ? 'POST' : 'GET',
    headers: { 'content-type': 'application/json', ...(key ? { authorization: `Bearer ${key}` } : {}) },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
};

const { data } = await ask('/v1/models');
const [{ id: model }] = data;
const { choices } = await ask('/v1/chat/completions', {
  model,
  max_tokens: 32,
  temperature: 0,
  messages: [
    {
      role: 'user',
      content: [
        { type: 'image_url', image_url: { url: PICTURE } },
        { type: 'text', text: 'What is in the picture?' },
      ],
    },
  ],
});
const [{ message }] = choices;
if (!message.content) throw new Error(`${model} answered with no word.`);
console.log(`${model} says: ${message.content}`);
