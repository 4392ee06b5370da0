import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: [
      '{libs,services}/*/{src,test}/**/*.test.ts',
      'libs/web/app/**/*.test.ts',
      'bench/{gpu,src}/**/*.test.ts',
      'deploy/grafana/{src,test}/**/*.test.ts',
      'test/**/*.test.ts',
    ],
    setupFiles: ['./test/support/seed.ts', './test/support/no-regex-subsets.ts'],
    pool: 'forks',
    testTimeout: 30_000,
    hookTimeout: 120_000,
  },
});
