import type { Failure } from '../dialog/failure.ts';
import type { TextKey } from './en.ts';

const TEXTS: Readonly<Record<string, TextKey>> = {
  unreachable: 'unreachable',
  interrupted: 'interrupted',
  timeout: 'timeout',
  deadline_exceeded: 'timeout',
  unavailable: 'unavailable',
  overloaded: 'overloaded',
  rate_limited: 'rateLimited',
  body_too_large: 'tooLarge',
  image_too_large: 'tooLarge',
  invalid_image: 'badPicture',
  image_unreachable: 'fetchFailed',
  unsupported_image_source: 'fetchFailed',
  too_many_images: 'tooMany',
  context_length_exceeded: 'tooLong',
  invalid_api_key: 'keyWrong',
};

/** Which text says what a failure means and what to do; `refused` for what only the server's own words can tell. */
export const failureText = ({ code }: Failure, online: boolean): TextKey =>
  code === 'unreachable' && !online ? 'offline' : (TEXTS[code] ?? 'refused');
