import { defineConfig } from 'vitest/config';

/** Pods that really run, on a node that this starts: `npm run test:pods`, as root of a Linux machine. */
export default defineConfig({
  test: {
    include: ['test/e2e/node/**/*.spec.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    // The first run on a machine builds a kubelet.
    hookTimeout: 1_800_000,
  },
});
