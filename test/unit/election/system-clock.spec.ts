import { beforeEach, describe, expect, it, vi } from 'vitest';
import { bootClock, systemClock } from '../../../lib/election/clock/system-clock.js';

/** What Node's `os.uptime()` and the file behind it say. */
const system = vi.hoisted(() => ({ uptime: (): number => 0, file: (): string => '' }));
vi.mock('node:os', async (original) => ({ ...(await original<object>()), uptime: () => system.uptime() }));
vi.mock('node:fs', async (original) => ({ ...(await original<object>()), readFileSync: () => system.file() }));

const refused = (code: string) => () => {
  throw Object.assign(new Error(code), { code });
};

describe.runIf(process.platform === 'linux')('the boot clock of this machine', () => {
  beforeEach(() => {
    system.file = refused('ENOENT');
  });

  it('is what Node tells where that has fractions of a second, which come from /proc/uptime alone', () => {
    system.uptime = () => 8913.94;
    expect(systemClock.boot()).toBe(8_913_940);
  });

  for (const [why, file] of [
    ['there is no /proc/uptime', refused('ENOENT')],
    ['the process is out of file descriptors', refused('EMFILE')],
    ['reading it is not permitted', refused('ERR_ACCESS_DENIED')],
    ['the file is empty', () => ''],
    ['the file says something else', () => 'up 3 days, 2 users\n'],
  ] as const) {
    it(`cannot be read where ${why}: the whole seconds that Node gives then are up to a second behind`, () => {
      system.uptime = () => 8913;
      system.file = file;
      expect(bootClock()).toBeUndefined();
    });
  }

  it('cannot be read where Node cannot tell at all, and nobody who asks whether he leads meets an exception', () => {
    system.uptime = refused('ERR_SYSTEM_ERROR');
    expect(bootClock()).toBeUndefined();
  });

  it('may stand at a whole second, where the file says so', () => {
    system.uptime = () => 8913;
    system.file = () => '8913.00 16438.06\n';
    expect(bootClock()).toBe(8_913_000);
  });

  it('is that of the file, where Node was refused it a moment ago', () => {
    system.uptime = () => 8913;
    system.file = () => '8913.94 16438.06\n';
    expect(bootClock()).toBe(8_913_940);
  });
});
