import { USER_SAYS_HI } from './serve.ts';

const PIXEL = 'data:image/png;base64,iVBORw0KGgo=';
const IMAGE_ID = 'ab'.repeat(32);
const URL_PATH = 'messages[0].content[0].image_url.url';

const image = (url: string, detail?: string) => ({ type: 'image_url', image_url: { url, ...(detail && { detail }) } });
const textPart = (text: string) => ({ type: 'text', text });
const userSends = (...content: unknown[]) => ({ messages: [{ role: 'user', content }] });

/** Every parameter of OpenAI's reference, https://platform.openai.com/docs/api-reference/chat/create. */
export const DOCUMENTED = [
  'messages',
  'model',
  'audio',
  'frequency_penalty',
  'function_call',
  'functions',
  'logit_bias',
  'logprobs',
  'max_completion_tokens',
  'max_tokens',
  'metadata',
  'modalities',
  'n',
  'parallel_tool_calls',
  'prediction',
  'presence_penalty',
  'prompt_cache_key',
  'prompt_cache_retention',
  'reasoning_effort',
  'response_format',
  'safety_identifier',
  'seed',
  'service_tier',
  'stop',
  'store',
  'stream',
  'stream_options',
  'temperature',
  'tool_choice',
  'tools',
  'top_logprobs',
  'top_p',
  'user',
  'verbosity',
  'web_search_options',
];

/** Those of vLLM that are served. */
export const EXTENSIONS = [
  'top_k',
  'min_p',
  'repetition_penalty',
  'ignore_eos',
  'min_tokens',
  'structured_outputs',
  'priority',
];

const REQUIRED = ['messages', 'model'];

/** What the chat service gets beside the messages when nothing is asked for. */
const AS_IF_NOT_GIVEN = { sampling: {}, stop: [] };

/** As the chat service sees a picture, and a user who says hi. */
const SEEN = { kind: 'image', source: { kind: 'bytes', bytes: Buffer.from('iVBORw0KGgo=', 'base64') } };
const SEEN_HI = { role: 'user', content: [{ kind: 'text', text: 'Hi' }] };

/** What is accepted: a label, the parameters, and what of it reaches the chat service. */
export const ACCEPTED: readonly (readonly [string, object, object])[] = [
  ['nothing but model and messages', {}, { sampling: {}, stop: [] }],
  ['temperature', { temperature: 0 }, { sampling: { temperature: 0 } }],
  ['top_p', { top_p: 0.5 }, { sampling: { topP: 0.5 } }],
  ['top_p of zero: the likeliest token', { top_p: 0 }, { sampling: { topP: Number.MIN_VALUE } }],
  ['top_k', { top_k: 40 }, { sampling: { topK: 40 } }],
  ["top_k of vLLM's kind: -1 keeps all", { top_k: -1 }, { sampling: { topK: 0 } }],
  ['repetition_penalty', { repetition_penalty: 1.1 }, { sampling: { repetitionPenalty: 1.1 } }],
  ['seed', { seed: 7 }, { sampling: { seed: 7 } }],
  ['min_p', { min_p: 0.1 }, { sampling: { minP: 0.1 } }],
  ['presence_penalty', { presence_penalty: -2 }, { sampling: { presencePenalty: -2 } }],
  ['frequency_penalty', { frequency_penalty: 0.5 }, { sampling: { frequencyPenalty: 0.5 } }],
  [
    'logit_bias',
    { logit_bias: { 0: -100, 50256: 2.5 } },
    {
      sampling: {
        logitBias: new Map([
          [0, -100],
          [50256, 2.5],
        ]),
      },
    },
  ],
  ['n', { n: 8 }, { choices: 8 }],
  ['logprobs without the likeliest', { logprobs: true }, { logprobs: 0 }],
  ['logprobs with the likeliest', { logprobs: true, top_logprobs: 20 }, { logprobs: 20 }],
  ['ignore_eos', { ignore_eos: true }, { ignoreEos: true }],
  ['min_tokens', { min_tokens: 8 }, { minTokens: 8 }],
  ['a priority, turned round: ours is higher first', { priority: -3 }, { priority: 3 }],
  ['priority 0', { priority: 0 }, { priority: 0 }],
  ['JSON answers', { response_format: { type: 'json_object' } }, { grammar: { kind: 'json-object' } }],
  [
    'answers of a JSON schema',
    {
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'n', description: 'd', strict: true, schema: { type: 'object', $defs: { a: {} } } },
      },
    },
    { grammar: { kind: 'json-schema', schema: '{"type":"object","$defs":{"a":{}}}' } },
  ],
  [
    'answers that match a regular expression',
    { structured_outputs: { regex: '[0-9]+' }, response_format: { type: 'text' } },
    { grammar: { kind: 'regex', pattern: '[0-9]+' } },
  ],
  [
    'answers that are one of some texts',
    { structured_outputs: { choice: ['a.b', '$5 (net)', '[x]|{y}'] } },
    { grammar: { kind: 'regex', pattern: String.raw`a\.b|\$5 \(net\)|\[x\]\|\{y\}` } },
  ],
  [
    "answers of a JSON schema in vLLM's words",
    { structured_outputs: { json: { type: 'object' } } },
    { grammar: { kind: 'json-schema', schema: '{"type":"object"}' } },
  ],
  ['max_tokens', { max_tokens: 5 }, { maxTokens: 5 }],
  ['max_completion_tokens', { max_completion_tokens: 6 }, { maxTokens: 6 }],
  ['stop as a string', { stop: '\n' }, { stop: ['\n'] }],
  ['no stop strings', { stop: [] }, { stop: [] }],
  ['stop as a list', { stop: ['a', 'b', 'c', 'd'] }, { stop: ['a', 'b', 'c', 'd'] }],
  ['a text response', { response_format: { type: 'text' } }, AS_IF_NOT_GIVEN],
  ['user', { user: 'u' }, AS_IF_NOT_GIVEN],
  ['metadata', { metadata: { a: 'b' } }, AS_IF_NOT_GIVEN],
  ['safety_identifier', { safety_identifier: 's' }, AS_IF_NOT_GIVEN],
  ['prompt_cache_key', { prompt_cache_key: 'k' }, AS_IF_NOT_GIVEN],
  ['store: false', { store: false }, AS_IF_NOT_GIVEN],
  ['service_tier: auto', { service_tier: 'auto' }, AS_IF_NOT_GIVEN],
  ['service_tier: default', { service_tier: 'default' }, AS_IF_NOT_GIVEN],
  ['text as the only modality', { modalities: ['text'] }, AS_IF_NOT_GIVEN],
  ['no reasoning', { reasoning_effort: 'none' }, AS_IF_NOT_GIVEN],
  ['stream: false', { stream: false }, AS_IF_NOT_GIVEN],
  ['logprobs: false', { logprobs: false }, AS_IF_NOT_GIVEN],
  [
    'null for everything that may be left out',
    Object.fromEntries(
      [...DOCUMENTED, ...EXTENSIONS].filter((name) => !REQUIRED.includes(name)).map((name) => [name, null]),
    ),
    AS_IF_NOT_GIVEN,
  ],
  ['content as a string', {}, { messages: [SEEN_HI] }],
  [
    'content as parts',
    userSends(textPart('What is'), image(PIXEL), image(`eidetic://sha256/${IMAGE_ID}`)),
    {
      messages: [
        {
          role: 'user',
          content: [
            { kind: 'text', text: 'What is' },
            SEEN,
            { kind: 'image', source: { kind: 'reference', imageId: IMAGE_ID } },
          ],
        },
      ],
    },
  ],
  [
    'pictures of any detail, several in a message and in messages of every role',
    {
      messages: [
        { role: 'system', content: [textPart('Like'), image(PIXEL, 'low')] },
        { role: 'user', content: [image(PIXEL, 'high'), image(PIXEL, 'auto')] },
        { role: 'assistant', content: [image(PIXEL), textPart('Yes.')] },
        { role: 'user', content: 'Why?' },
      ],
    },
    {
      messages: [
        { role: 'system', content: [{ kind: 'text', text: 'Like' }, SEEN] },
        { role: 'user', content: [SEEN, SEEN] },
        { role: 'assistant', content: [SEEN, { kind: 'text', text: 'Yes.' }] },
        { role: 'user', content: [{ kind: 'text', text: 'Why?' }] },
      ],
    },
  ],
  [
    'answers of nothing, and with every field that SDKs send back',
    {
      messages: [
        ...USER_SAYS_HI,
        { role: 'assistant', content: null },
        ...USER_SAYS_HI,
        { role: 'assistant', content: '' },
        ...USER_SAYS_HI,
        {
          role: 'assistant',
          content: 'Hello',
          refusal: null,
          audio: null,
          function_call: null,
          tool_calls: [],
          annotations: [],
          name: null,
        },
        ...USER_SAYS_HI,
      ],
    },
    {
      messages: [
        SEEN_HI,
        { role: 'assistant', content: [{ kind: 'text', text: '' }] },
        SEEN_HI,
        { role: 'assistant', content: [{ kind: 'text', text: '' }] },
        SEEN_HI,
        { role: 'assistant', content: [{ kind: 'text', text: 'Hello' }] },
        SEEN_HI,
      ],
    },
  ],
  [
    'a dialog with our own answer as history',
    {
      messages: [
        { role: 'developer', content: 'Be brief.' },
        ...USER_SAYS_HI,
        { role: 'assistant', content: 'Hello', refusal: null, grounding: [{ text: 'cat' }] },
        ...USER_SAYS_HI,
        { role: 'assistant', content: 'Hello again' },
        ...USER_SAYS_HI,
      ],
    },
    {
      messages: [
        { role: 'system', content: [{ kind: 'text', text: 'Be brief.' }] },
        SEEN_HI,
        { role: 'assistant', content: [{ kind: 'text', text: 'Hello' }] },
        SEEN_HI,
        { role: 'assistant', content: [{ kind: 'text', text: 'Hello again' }] },
        SEEN_HI,
      ],
    },
  ],
];

/** What is refused: a label, the parameters, `param` and `message` of the error; its code and status where they are others. */
export const REFUSED: readonly (readonly [string, object, string, string, string?, number?])[] = [
  ['tools', { tools: [] }, 'tools', 'tools: this model calls no tools; leave it out.'],
  ['top_logprobs alone', { top_logprobs: 2 }, 'top_logprobs', 'top_logprobs: only allowed when logprobs is true.'],
  [
    'more of the likeliest than 20',
    { logprobs: true, top_logprobs: 21 },
    'top_logprobs',
    'top_logprobs: Too big: expected number to be <=20.',
  ],
  ['logprobs as a number', { logprobs: 5 }, 'logprobs', 'logprobs: expected boolean, received number.'],
  [
    'a presence_penalty out of range',
    { presence_penalty: 3 },
    'presence_penalty',
    'presence_penalty: Too big: expected number to be <=2.',
  ],
  [
    'a frequency_penalty out of range',
    { frequency_penalty: -3 },
    'frequency_penalty',
    'frequency_penalty: Too small: expected number to be >=-2.',
  ],
  ['min_p above 1', { min_p: 1.5 }, 'min_p', 'min_p: Too big: expected number to be <=1.'],
  [
    'a bias out of range',
    { logit_bias: { 5: 101 } },
    'logit_bias.5',
    'logit_bias.5: Too big: expected number to be <=100.',
  ],
  ['a bias of no token', { logit_bias: { dog: 1 } }, 'logit_bias.dog', 'logit_bias.dog: expected token ids as keys.'],
  [
    'too many biases',
    { logit_bias: Object.fromEntries(Array.from({ length: 1025 }, (_, id) => [id, 1])) },
    'logit_bias',
    'logit_bias: expected at most 1024 token ids.',
  ],
  ['fewer tokens than none', { min_tokens: -1 }, 'min_tokens', 'min_tokens: Too small: expected number to be >=0.'],
  ['ignore_eos as text', { ignore_eos: 'yes' }, 'ignore_eos', 'ignore_eos: expected boolean, received string.'],
  ['a priority out of range', { priority: 101 }, 'priority', 'priority: Too big: expected number to be <=100.'],
  [
    'a parameter that nobody knows',
    { temprature: 1 },
    'temprature',
    'temprature: this parameter is not supported; leave it out.',
  ],
  ['no answer at all', { n: 0 }, 'n', 'n: Too small: expected number to be >=1.'],
  ['more answers than 8', { n: 9 }, 'n', 'n: Too big: expected number to be <=8.'],
  [
    'another format',
    { response_format: { type: 'xml' } },
    'response_format.type',
    'response_format.type: expected "text", "json_object" or "json_schema".',
  ],
  [
    'a JSON schema without one',
    { response_format: { type: 'json_schema', json_schema: { name: 'n' } } },
    'response_format.json_schema.schema',
    'response_format.json_schema.schema: expected record, received undefined.',
  ],
  [
    'two languages at once',
    { response_format: { type: 'json_object' }, structured_outputs: { regex: 'a' } },
    'structured_outputs',
    'structured_outputs: give it or response_format, not both.',
  ],
  [
    'an output structure that is not served',
    { structured_outputs: { grammar: 'root ::= "a"' } },
    'structured_outputs.grammar',
    'structured_outputs.grammar: this parameter is not supported; leave it out.',
  ],
  [
    'no output structure',
    { structured_outputs: { regex: null } },
    'structured_outputs',
    'structured_outputs: expected one of regex, choice and json.',
  ],
  [
    'two output structures',
    { structured_outputs: { regex: 'a', choice: ['a'] } },
    'structured_outputs',
    'structured_outputs: expected one of regex, choice and json.',
  ],
  [
    'a choice of nothing',
    { structured_outputs: { choice: [] } },
    'structured_outputs.choice',
    'structured_outputs.choice: Too small: expected array to have >=1 items.',
  ],
  ['a missing model', { model: undefined }, 'model', 'model: expected string, received undefined.'],
  [
    'a model that is not served',
    { model: 'gpt-4o' },
    'model',
    'model: "gpt-4o" is not served here; ask for "nano".',
    'model_not_found',
    404,
  ],
  ['no messages', { messages: [] }, 'messages', 'messages: expected at least one message.'],
  ['messages that are no list', { messages: 'Hi' }, 'messages', 'messages: expected array, received string.'],
  [
    'an unknown role',
    { messages: [{ role: 'tool', content: '' }] },
    'messages[0].role',
    'messages[0].role: expected "system", "user" or "assistant".',
  ],
  [
    'an unknown field of a message',
    { messages: [{ role: 'user', content: '', name: 'x' }] },
    'messages[0].name',
    'messages[0].name: the prompts of this model have no names; write it into the content.',
  ],
  [
    'content of the wrong type',
    { messages: [{ role: 'user', content: 5 }] },
    'messages[0].content',
    'messages[0].content: expected a string or an array of parts.',
  ],
  ['content without parts', userSends(), 'messages[0].content', 'messages[0].content: expected at least one part.'],
  [
    'an unknown part',
    userSends({ type: 'input_audio' }),
    'messages[0].content[0].type',
    'messages[0].content[0].type: expected "text", "image_url", "file" or "image_file".',
  ],
  [
    'a URL of the wrong type',
    userSends({ type: 'image_url', image_url: { url: 5 } }),
    URL_PATH,
    'messages[0].content[0].image_url.url: expected string, received number.',
  ],
  [
    'another scheme',
    userSends(image('file:///etc/passwd')),
    URL_PATH,
    'messages[0].content[0].image_url.url: "file:///etc/passwd" is not a picture; send the picture itself as a data URI (data:image/png;base64,…) or its http(s) URL, or refer to one sent before as eidetic://sha256/<64 hex digits>.',
    'unsupported_image_source',
  ],
  [
    'broken base64',
    userSends(image('data:image/png;base64,@@@@')),
    URL_PATH,
    'messages[0].content[0].image_url.url: the base64 is empty, cut off or has characters that are not base64.',
    'invalid_image',
  ],
  [
    'too many pictures',
    userSends(image(PIXEL), image(PIXEL), image(PIXEL)),
    'messages',
    'messages: 3 images; one request may hold up to 2.',
    'too_many_images',
  ],
  ['temperature as text', { temperature: '1' }, 'temperature', 'temperature: expected number, received string.'],
  ['temperature out of range', { temperature: 2.5 }, 'temperature', 'temperature: Too big: expected number to be <=2.'],
  ['a negative top_p', { top_p: -0.1 }, 'top_p', 'top_p: Too small: expected number to be >=0.'],
  ['a top_k below -1', { top_k: -2 }, 'top_k', 'top_k: Too small: expected number to be >=-1.'],
  [
    'a penalty of zero',
    { repetition_penalty: 0 },
    'repetition_penalty',
    'repetition_penalty: Too small: expected number to be >=0.01.',
  ],
  [
    'a penalty of next to nothing',
    { repetition_penalty: 1e-300 },
    'repetition_penalty',
    'repetition_penalty: Too small: expected number to be >=0.01.',
  ],
  ['a seed with a fraction', { seed: 1.5 }, 'seed', 'seed: expected int, received number.'],
  ['no tokens at all', { max_tokens: 0 }, 'max_tokens', 'max_tokens: Too small: expected number to be >=1.'],
  [
    'both limits at once',
    { max_tokens: 1, max_completion_tokens: 1 },
    'max_tokens',
    'max_tokens: give it or max_completion_tokens, not both.',
  ],
  [
    'five stop strings',
    { stop: ['a', 'b', 'c', 'd', 'e'] },
    'stop',
    'stop: Too big: expected array to have <=4 items.',
  ],
  ['an empty stop string', { stop: '' }, 'stop[0]', 'stop[0]: Too small: expected string to have >=1 characters.'],
  ['stream as text', { stream: 'yes' }, 'stream', 'stream: expected boolean, received string.'],
  [
    'stream options without a stream',
    { stream_options: {} },
    'stream_options',
    'stream_options: only allowed when stream is true.',
  ],
  [
    'an unknown stream option',
    { stream: true, stream_options: { x: 1 } },
    'stream_options.x',
    'stream_options.x: this parameter is not supported; leave it out.',
  ],
  ['metadata that is not text', { metadata: { a: 1 } }, 'metadata.a', 'metadata.a: expected string, received number.'],
  ['a user that is no text', { user: 1 }, 'user', 'user: expected string, received number.'],
  ['tool_choice', { tool_choice: 'none' }, 'tool_choice', 'tool_choice: this model calls no tools; leave it out.'],
  [
    'parallel_tool_calls',
    { parallel_tool_calls: true },
    'parallel_tool_calls',
    'parallel_tool_calls: this model calls no tools; leave it out.',
  ],
  ['functions', { functions: [] }, 'functions', 'functions: this model calls no functions; leave it out.'],
  [
    'function_call',
    { function_call: 'auto' },
    'function_call',
    'function_call: this model calls no functions; leave it out.',
  ],
  ['audio', { audio: { voice: 'alloy', format: 'mp3' } }, 'audio', 'audio: this model does not speak; leave it out.'],
  [
    'an answer that is spoken',
    { modalities: ['text', 'audio'] },
    'modalities[1]',
    'modalities[1]: expected "text": this model only writes.',
  ],
  [
    'reasoning',
    { reasoning_effort: 'high' },
    'reasoning_effort',
    'reasoning_effort: expected "none": this model does not reason.',
  ],
  [
    'verbosity',
    { verbosity: 'low' },
    'verbosity',
    'verbosity: say in a message how long the answer should be, or limit it with max_completion_tokens.',
  ],
  [
    'prediction',
    { prediction: { type: 'content', content: 'a' } },
    'prediction',
    'prediction: predicted answers are not used here; leave it out.',
  ],
  [
    'web_search_options',
    { web_search_options: {} },
    'web_search_options',
    'web_search_options: this model does not search; leave it out.',
  ],
  ['store: true', { store: true }, 'store', 'store: answers are not stored here; leave it out.'],
  [
    'another service_tier',
    { service_tier: 'flex' },
    'service_tier',
    'service_tier: expected "auto" or "default": there is one tier, and priority within it.',
  ],
  [
    'prompt_cache_retention',
    { prompt_cache_retention: '24h' },
    'prompt_cache_retention',
    'prompt_cache_retention: prompts are kept as long as there is room; leave it out.',
  ],
  [
    'a safety_identifier that is no text',
    { safety_identifier: 1 },
    'safety_identifier',
    'safety_identifier: expected string, received number.',
  ],
  [
    'a prompt_cache_key that is no text',
    { prompt_cache_key: 1 },
    'prompt_cache_key',
    'prompt_cache_key: expected string, received number.',
  ],
  [
    'obfuscation',
    { stream: true, stream_options: { include_obfuscation: true } },
    'stream_options.include_obfuscation',
    'stream_options.include_obfuscation: chunks are sent as they are; leave it out.',
  ],
  [
    'max_completion_tokens of zero',
    { max_completion_tokens: 0 },
    'max_completion_tokens',
    'max_completion_tokens: Too small: expected number to be >=1.',
  ],
  [
    'another detail',
    userSends({ type: 'image_url', image_url: { url: PIXEL, detail: 'original' } }),
    'messages[0].content[0].image_url.detail',
    'messages[0].content[0].image_url.detail: Invalid option: expected one of "auto"|"low"|"high".',
  ],
  [
    'a refusal as history',
    { messages: [{ role: 'assistant', content: null, refusal: 'No.' }] },
    'messages[0].refusal',
    'messages[0].refusal: this model does not refuse; send what was said as content.',
  ],
  [
    'tool calls as history',
    { messages: [{ role: 'assistant', content: null, tool_calls: [{}] }] },
    'messages[0].tool_calls',
    'messages[0].tool_calls: expected none: this model makes none.',
  ],
  [
    'an answer without content',
    { messages: [{ role: 'assistant' }] },
    'messages[0].content',
    'messages[0].content: expected a string or an array of parts.',
  ],
  [
    'a user without content',
    { messages: [{ role: 'user', content: null }] },
    'messages[0].content',
    'messages[0].content: expected a string or an array of parts.',
  ],
  [
    'a part without text',
    userSends({ type: 'text' }),
    'messages[0].content[0].text',
    'messages[0].content[0].text: expected string, received undefined.',
  ],
  [
    'a bad picture of an answer',
    { messages: [{ role: 'assistant', content: [image('x')] }] },
    'messages[0].content[0].image_url.url',
    'messages[0].content[0].image_url.url: "x" is not a picture; send the picture itself as a data URI (data:image/png;base64,…) or its http(s) URL, or refer to one sent before as eidetic://sha256/<64 hex digits>.',
    'unsupported_image_source',
  ],
];
