import { EideticError } from '@eidetic/core';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { ConfigDefinition } from './definition.ts';
import { describeAsMarkdown, describeAsText } from './describe.ts';
import { duration, integer, oneOf, text } from './kinds.ts';
import { loadConfig, redactConfig } from './load-config.ts';

const definition = {
  httpPort: {
    name: 'EIDETIC_HTTP_PORT',
    description: 'Port to listen on.',
    kind: integer({ min: 0, max: 65_535 }),
    default: '8080',
  },
  deadlineMs: { name: 'EIDETIC_DEADLINE', description: 'Longest answer.', kind: duration(), default: '2m' },
  device: { name: 'EIDETIC_DEVICE', description: 'Where | to run.', kind: oneOf(['cpu', 'cuda']), default: 'cpu' },
  token: { name: 'EIDETIC_TOKEN', description: 'Shared secret.', kind: text(), secret: true },
} as const satisfies ConfigDefinition;

const problemsOf = (env: Record<string, string>): EideticError => {
  try {
    loadConfig(definition, env);
  } catch (error) {
    if (error instanceof EideticError) return error;
  }
  throw new Error('expected an EideticError');
};

describe('loadConfig', () => {
  it('reads variables, fills in defaults and freezes the result', () => {
    const config = loadConfig(definition, { EIDETIC_TOKEN: 'abc', EIDETIC_HTTP_PORT: '9', PATH: '/bin' });
    expect(config).toEqual({ httpPort: 9, deadlineMs: 120_000, device: 'cpu', token: 'abc' });
    expect(Object.isFrozen(config)).toBe(true);
    expectTypeOf(config.httpPort).toEqualTypeOf<number>();
    expectTypeOf(config.device).toEqualTypeOf<'cpu' | 'cuda'>();
  });

  it('takes an empty variable for one that is not set', () => {
    expect(loadConfig(definition, { EIDETIC_TOKEN: 'abc', EIDETIC_DEADLINE: '' }).deadlineMs).toBe(120_000);
  });

  it('lists every variable that is wrong, missing or unknown, with what is expected', () => {
    const error = problemsOf({ EIDETIC_HTTP_PORT: 'http', EIDETIC_DEADLINE: '2 days', EIDETIC_DEVISE: 'cuda' });
    expect(error.code).toBe('invalid_config');
    expect(error.message.split('\n')).toEqual([
      'The configuration is wrong:',
      '  EIDETIC_HTTP_PORT: "http" is not valid; expected a whole number from 0 to 65535',
      '  EIDETIC_DEADLINE: "2 days" is not valid; expected a duration such as 250ms, 30s, 5m or 1h, from 0ms to 596h',
      '  EIDETIC_TOKEN: required; expected a text',
      '  EIDETIC_DEVISE: no such setting; did you mean EIDETIC_DEVICE?',
    ]);
  });

  it('prints a secret neither in an error nor in a log', () => {
    expect(problemsOf({ EIDETIC_TOKEN: '   ' }).message).toContain('EIDETIC_TOKEN: expected a text');
    expect(redactConfig(definition, loadConfig(definition, { EIDETIC_TOKEN: 'abc' }))).toEqual({
      httpPort: 8080,
      deadlineMs: 120_000,
      device: 'cpu',
      token: '[redacted]',
    });
  });
});

describe('describe', () => {
  it('renders the text of --help', () => {
    expect(describeAsText(definition)).toContain(
      '  EIDETIC_HTTP_PORT\n      Port to listen on.\n      (a whole number from 0 to 65535; default 8080)',
    );
    expect(describeAsText(definition)).toContain('(a text; required)');
  });

  it('renders a Markdown table, one row a setting', () => {
    const rows = describeAsMarkdown(definition).split('\n');
    expect(rows).toHaveLength(2 + 4);
    expect(rows).toContain('| `EIDETIC_DEVICE` | `cpu` | one of cpu, cuda | Where \\| to run. |');
    expect(rows).toContain('| `EIDETIC_TOKEN` | required | a text | Shared secret. |');
  });
});
