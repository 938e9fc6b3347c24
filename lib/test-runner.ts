/** Variables that vitest, jest and node:test set in the processes that run tests. */
const MARKS = ['VITEST', 'JEST_WORKER_ID', 'NODE_TEST_CONTEXT'] as const;

export function isUnderTestRunner(env: NodeJS.ProcessEnv): boolean {
  return MARKS.some((mark) => env[mark] !== undefined);
}
