import { defineConfig, mergeConfig } from 'vitest/config';
import base from './vitest.config.js';

/** Whole processes, servers that are stopped and promoted, other people's libraries: `npm run test:postgres`. */
export default mergeConfig(
  { ...base, test: { ...base.test, include: [] } },
  defineConfig({
    test: {
      include: ['test/postgres/**/*.spec.ts'],
      testTimeout: 60_000,
      hookTimeout: 60_000,
      fileParallelism: false,
      retry: 1,
    },
  }),
);
