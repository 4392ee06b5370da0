import { EideticError } from '@eidetic/core';
import { z } from 'zod';

type Issue = z.core.$ZodIssue;

/** Unknown keys are reported on the object that holds them: the first one is what the error is about. */
const pathOf = (issue: Issue): string =>
  z.core.toDotPath(issue.code === 'unrecognized_keys' ? [...issue.path, ...issue.keys.slice(0, 1)] : issue.path);

const problemOf = (issue: Issue): string =>
  issue.code === 'unrecognized_keys'
    ? 'this parameter is not supported; leave it out'
    : issue.message.replace(/^Invalid input: /, '');

/** Refuses a parameter whose type is right, but not its value. */
export const refuse = (param: string, problem: string): EideticError =>
  new EideticError('invalid_request', `${param}: ${problem}`, { details: { param } });

/**
 * What `schema` makes of a request body.
 *
 * @throws EideticError `invalid_request` whose message starts with the path of the first thing that is wrong, such as
 *   `messages[0].role: expected …`; the path is in `details.param` too.
 */
export const validate = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const outcome = schema.safeParse(body);
  if (outcome.success) return outcome.data;
  const [issue] = outcome.error.issues;
  const param = issue === undefined ? '' : pathOf(issue);
  const problem = issue === undefined ? 'not valid' : problemOf(issue);
  if (param !== '') throw refuse(param, `${problem}.`);
  throw new EideticError('invalid_request', `body: ${problem}.`);
};
