import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/e2e/soak/**/*.spec.ts'],
    fileParallelism: false,
    testTimeout: 60 * 60_000,
    hookTimeout: 120_000,
  },
});
