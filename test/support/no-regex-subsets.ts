import { expect } from 'vitest';

// To toMatchObject a regular expression is an object without properties, which any text matches: that would assert nothing.
expect.addEqualityTesters([
  (actual, wanted) => (wanted instanceof RegExp && !(actual instanceof RegExp) ? false : undefined),
]);
