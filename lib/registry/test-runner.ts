/** Variables that vitest, jest, node:test and the workers of mocha set in the processes that run tests. */
const MARKS = ['VITEST', 'JEST_WORKER_ID', 'NODE_TEST_CONTEXT', 'MOCHA_WORKER_ID'] as const;
/** Loaded as soon as a file imports `node:test`, also where node runs it by its name or without isolation: no variable tells then. */
const NODE_TEST = 'NativeModule internal/test_runner/harness';

/** What tells of the process in which a question is asked. */
export interface ProcessTraits {
  readonly argv: readonly string[];
  /** Built-in modules that are loaded. Node's own name for it, undocumented; where it is gone, only the variables tell. */
  readonly moduleLoadList?: readonly string[];
}

/** Never in production: the workers of bundlers bear one of the marks too, and each replica would lead in a memory of its own. */
export function isUnderTestRunner(env: NodeJS.ProcessEnv, { argv, moduleLoadList }: ProcessTraits = process): boolean {
  if (env.NODE_ENV === 'production') return false;
  const isMocha = /[\\/]_?mocha(\.[cm]?js)?$|[\\/]mocha[\\/]/.test(argv[1] ?? '');
  return isMocha || MARKS.some((mark) => env[mark] !== undefined) || moduleLoadList?.includes(NODE_TEST) === true;
}
