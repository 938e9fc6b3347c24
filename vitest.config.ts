import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const lib = (path: string) => fileURLToPath(new URL(`./lib/${path}`, import.meta.url));

export default defineConfig({
  // Nest resolves constructor parameters from emitted decorator metadata; without it every injection is undefined.
  oxc: { decorator: { legacy: true, emitDecoratorMetadata: true } },
  resolve: {
    alias: [
      { find: /^nestjs-leader$/, replacement: lib('index.ts') },
      { find: /^nestjs-leader\/election$/, replacement: lib('election/index.ts') },
      { find: /^nestjs-leader\/fencing$/, replacement: lib('fencing/index.ts') },
      { find: /^nestjs-leader\/postgres$/, replacement: lib('stores/postgres/index.ts') },
      { find: /^nestjs-leader\/terminus$/, replacement: lib('terminus/index.ts') },
      { find: /^nestjs-leader\/prometheus$/, replacement: lib('prometheus/index.ts') },
      { find: /^nestjs-leader\/schedule$/, replacement: lib('schedule/index.ts') },
      { find: /^nestjs-leader\/testing$/, replacement: lib('testing/index.ts') },
    ],
  },
  test: {
    // `npm cit` passes no arguments on; this is how .ci/run gets its report out of it.
    ...(process.env.VITEST_REPORT && { reporters: ['default', ['json', { outputFile: process.env.VITEST_REPORT }]] }),
    include: ['test/{unit,nest,contract,simulation,docs}/**/*.spec.ts'],
    // Two cores: more workers than that only makes the process tests slower.
    maxWorkers: 2,
    // How long a failing test takes to say so, not how long a passing one may dawdle: a busy CI machine must not redden it.
    testTimeout: 20_000,
    expect: { poll: { timeout: 10_000 } },
  },
});
