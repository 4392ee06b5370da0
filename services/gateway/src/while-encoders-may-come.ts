import type { EncodeProducer } from '@eidetic/core';
import type { VisionPool } from './vision-pool.ts';

/** A producer whose pictures wait for a vision encoder as long as the pool says, and then end with `unavailable`. */
export const whileEncodersMayCome = (
  producer: EncodeProducer,
  pool: Pick<VisionPool, 'watchAbsence'>,
): Pick<EncodeProducer, 'encode'> => ({
  async encode(job, signal) {
    using absence = pool.watchAbsence();
    return await producer.encode(job, signal ? AbortSignal.any([signal, absence.signal]) : absence.signal);
  },
});
