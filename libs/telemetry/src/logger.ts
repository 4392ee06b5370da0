import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';

/** How much is logged, least first. */
export const LOG_LEVELS = ['silent', 'fatal', 'error', 'warn', 'info', 'debug', 'trace'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Fields that hold what users say, show or keep secret. */
const PRIVATE_FIELDS = [
  'authorization',
  'cookie',
  'messages',
  'content',
  'prompt',
  'text',
  'body',
  'bytes',
  'image_url',
];

/**
 * One JSON object a line, to standard output unless `destination` is given. What people say and show is not logged:
 * fields that could hold it are replaced, up to three levels deep.
 */
export const createLogger = (
  options: { readonly level: LogLevel; readonly service: string; readonly version: string },
  destination?: DestinationStream,
): Logger => {
  const settings = {
    level: options.level,
    base: { service: options.service, version: options.version },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: {
      paths: PRIVATE_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]),
      censor: '[redacted]',
    },
  };
  return destination === undefined ? pino(settings) : pino(settings, destination);
};
