import { readFile } from 'node:fs/promises';
import { EideticError } from '@eidetic/core';
import { expect, it } from 'vitest';
import { parseChatCompletionRequest } from '../src/chat-completion-request.ts';
import { ACCEPTED, DOCUMENTED, EXTENSIONS } from './chat-parameters.ts';
import { USER_SAYS_HI } from './serve.ts';

const page = await readFile(new URL('../../../docs/api.md', import.meta.url), 'utf8');
const section = page.slice(page.indexOf('## Chat completions'), page.indexOf('### Messages'));

/** Parameters of chat completions by what docs/api.md says of them. */
const documented = [...section.matchAll(/^\| (`.*?`) \| (honoured|accepted|refused) \| \S.* \|$/gm)].flatMap(
  ([, names = '', treatment]) => [...names.matchAll(/`(\w+)`/g)].map(([, name = '']) => ({ name, treatment })),
);

const outcomeOf = (parameters: object): string => {
  try {
    parseChatCompletionRequest({ model: 'nano', messages: USER_SAYS_HI, ...parameters }, 8);
    return 'taken';
  } catch (error) {
    return error instanceof EideticError ? String(error.details.param) : String(error);
  }
};

it('documents every parameter of chat completions once', () => {
  const names = documented.map(({ name }) => name);
  expect(names.toSorted()).toEqual([...DOCUMENTED, ...EXTENSIONS].toSorted());
});

it('documents as refused what is refused, and nothing else', () => {
  for (const { name, treatment } of documented) {
    const examples = ACCEPTED.flatMap(([, parameters]) => Object.entries(parameters)).filter(
      ([parameter, value]) => parameter === name && value !== null,
    );
    if (treatment === 'refused') {
      expect(examples, name).toEqual([]);
      expect(outcomeOf({ [name]: 'x' })).toBe(name);
    } else {
      // Others are needed by every request, or with them.
      expect(examples.length > 0 || ['model', 'stream_options'].includes(name), name).toBe(true);
    }
  }
});
