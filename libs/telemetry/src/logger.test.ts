import { Writable } from 'node:stream';
import { expect, it } from 'vitest';
import { createLogger } from './logger.ts';

const logged = (write: (logger: ReturnType<typeof createLogger>) => void): unknown[] => {
  const lines: unknown[] = [];
  const destination = new Writable({
    write(line: Buffer, _encoding, done) {
      lines.push(JSON.parse(line.toString()));
      done();
    },
  });
  write(createLogger({ level: 'info', service: 'standalone', version: '1.2.3' }, destination));
  return lines;
};

it('writes one JSON object a line, with service, version, level and time', () => {
  const [line] = logged((logger) => logger.info({ port: 8080 }, 'listening'));
  expect(line).toEqual({
    level: 'info',
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    service: 'standalone',
    version: '1.2.3',
    port: 8080,
    msg: 'listening',
  });
});

it('leaves out what is below its level', () => {
  expect(logged((logger) => logger.debug('details'))).toEqual([]);
});

it('writes neither prompts nor picture bytes nor credentials, at any of three levels, in child loggers too', () => {
  const secret = 'open sesame';
  const bytes = Buffer.from(secret);
  const lines = logged((logger) => {
    logger.info({ messages: [secret], prompt: secret, bytes, authorization: secret });
    logger.info({ request: { body: secret, headers: { authorization: secret, cookie: secret } } });
    logger.info({
      image: { source: { bytes } },
      part: { text: secret, content: [secret], image_url: { url: secret } },
    });
    logger.child({ prompt: secret }).info('child');
  });
  expect(lines).toHaveLength(4);
  expect(JSON.stringify(lines)).not.toContain(secret);
  expect(JSON.stringify(lines)).not.toContain(String(bytes[0]).concat(',', String(bytes[1])));
});
