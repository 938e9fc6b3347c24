import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/e2e/scenarios/**/*.spec.ts'],
    // E2E_CONTEXT names a context of the kubeconfig to run on instead. Its servers are not ours to stop, nor its audit log to read.
    exclude: process.env.E2E_CONTEXT ? ['**/{control-plane,server-outages,audit}.spec.ts'] : [],
    globalSetup: ['test/e2e/global-setup.ts'],
    // One file at a time: the figures of a handover mean something only while nothing else competes for the processor.
    fileParallelism: false,
    // Within a file the scenarios mostly wait for leases to expire, each on its own lease.
    maxConcurrency: 8,
    testTimeout: 180_000,
    // A busy machine may starve one of a scenario's processes for seconds; what fails twice in a row is not the machine.
    retry: 1,
    hookTimeout: 120_000,
  },
});
