import type { EideticError } from '@eidetic/core';
import type { createLogger } from '@eidetic/telemetry';

/** Writes a line when certificates have changed. */
export const logCertificates =
  (logger: ReturnType<typeof createLogger>) =>
  (trouble: EideticError | undefined): void => {
    if (trouble === undefined) logger.info('Certificates have changed, and are used for connections from now on.');
    else logger.error({ err: trouble }, 'Certificates have changed and are of no use; those before stay in use.');
  };
