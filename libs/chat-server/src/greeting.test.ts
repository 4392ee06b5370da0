import { expect, it } from 'vitest';
import { greeting } from './greeting.ts';

it('greets with a command that can be pasted', () => {
  expect(greeting({ http: 'http://127.0.0.1:8080', grpc: '127.0.0.1:50050' }, 'nano')).toContain(
    `curl http://127.0.0.1:8080/v1/chat/completions -H 'content-type: application/json' -d '{"model":"nano","messages":[{"role":"user","content":"Hello!"}]}'`,
  );
});
