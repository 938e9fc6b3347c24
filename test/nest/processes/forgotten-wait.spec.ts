import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const script = fileURLToPath(new URL('impatient.mjs', import.meta.url));

function run(where: 'hook' | 'main' | 'nowhere'): Promise<{ code: unknown; output: string }> {
  // As in production: it is not the application that a test runner runs.
  const { VITEST: _, ...env } = process.env;
  return new Promise((resolve) => {
    execFile(process.execPath, [script, where], { env: { ...env, NO_COLOR: '1' } }, (error, stdout, stderr) =>
      resolve({ code: error?.code ?? 0, output: stdout + stderr }),
    );
  });
}

describe(
  'a process that has nothing to do but to await leadership before its elections begin',
  { timeout: 60_000 },
  () => {
    it.each(['hook', 'main'] as const)(
      'ends with an error that says why, and with exit code 1 (in its %s)',
      async (where) => {
        const { code, output } = await run(where);
        expect(code).toBe(1);
        expect(output).toMatch(
          /ERROR.*whenLeader\(\) of the election "default", which has not begun.*@OnLeadershipAcquired\(\)/,
        );
      },
    );

    it('is told nothing when it awaits leadership after the boot, or without holding the boot up', async () => {
      const { code, output } = await run('nowhere');
      expect(code).toBe(0);
      expect(output).not.toContain('has not begun');
    });
  },
);
