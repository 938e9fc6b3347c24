/** Variables that vitest, jest and node:test set in the processes that run tests. */
const MARKS = ['VITEST', 'JEST_WORKER_ID', 'NODE_TEST_CONTEXT'] as const;

/** Never in production: the workers of bundlers bear one of the marks too, and each replica would lead in a memory of its own. */
export function isUnderTestRunner(env: NodeJS.ProcessEnv): boolean {
  return env.NODE_ENV !== 'production' && MARKS.some((mark) => env[mark] !== undefined);
}
