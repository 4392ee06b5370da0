import { EideticError } from '@eidetic/core';

const FLOAT16_MAX = 65_504;

/** The first number that float16 cannot hold: bfloat16 reaches further, and a larger number would become infinite. */
export const tooLargeForFloat16 = (data: Float32Array): number | undefined =>
  data.find((x) => x > FLOAT16_MAX || x < -FLOAT16_MAX);

/** The error of weights that hold such a number. */
export const float16Overflow = (name: string, value: number): EideticError =>
  new EideticError(
    'invalid_checkpoint',
    `${name} holds ${value}, but float16 ends at ${FLOAT16_MAX}. Choose another precision than float16.`,
  );
