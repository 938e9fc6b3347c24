import { OnlyWhenLeader } from 'nestjs-leader';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ElectorFleet, type Replica } from '../../support/elector-fleet.js';

describe('a call with what it does not take', () => {
  let fleet: ElectorFleet;
  let elector: Replica['elector'];
  beforeEach(async () => {
    fleet = new ElectorFleet();
    elector = (await fleet.join()).elector;
  });
  afterEach(() => fleet.stop());
  const asTyped = (value: unknown) => value as never;

  for (const cooldown of [
    '3000',
    '3s',
    Number.NaN,
    Number.POSITIVE_INFINITY,
    -1,
    3000n,
    null,
    [3000],
    new Date(3000),
  ]) {
    it(`refuses to step down for ${typeof cooldown} ${String(cooldown)}, and leads on`, async () => {
      await expect(elector.stepDown({ cooldown: asTyped(cooldown) })).rejects.toMatchObject({
        code: 'INVALID_CONFIG',
        message: expect.stringMatching(
          /^cooldown is .* but must be a number of milliseconds, 0 or more\. Write stepDown/,
        ),
        advice: 'Write stepDown({ cooldown: 3000 }).',
      });
      expect(elector.isLeader()).toBe(true);
    });
  }

  it('shows what it was given as the text that it is, on one line', async () => {
    const refused = (cooldown: unknown) => elector.stepDown({ cooldown: asTyped(cooldown) });
    await expect(refused('3000')).rejects.toThrow('cooldown is "3000" but');
    await expect(refused('3\n000')).rejects.toThrow(String.raw`cooldown is "3\n000" but`);
  });

  for (const options of [3000, null, '3000']) {
    it(`refuses to step down where ${JSON.stringify(options)} stands for its options`, async () => {
      await expect(elector.stepDown(asTyped(options))).rejects.toMatchObject({
        code: 'INVALID_CONFIG',
        message: `stepDown was given ${JSON.stringify(options)} where it takes an object of options. Write stepDown({ cooldown: 3000 }).`,
      });
      expect(elector.isLeader()).toBe(true);
    });
  }

  it('runs nothing where it cannot tell what to do on a standby', async () => {
    let ran = false;
    const run = (options: unknown) => elector.runIfLeader(() => (ran = true), asTyped(options));
    await expect(run({ onStandby: 'Throw' })).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('onStandby is "Throw" but must be "skip" or "throw".'),
      advice: "Write runIfLeader(work, { onStandby: 'throw' }).",
    });
    await expect(run('throw')).rejects.toThrow('where it takes an object of options');
    expect(() => OnlyWhenLeader({ onStandby: asTyped('Throw') })).toThrow('onStandby is "Throw" but');
    expect(ran).toBe(false);
  });

  it('says so where work was begun instead of handed over, on a standby too', async () => {
    const standby = (await fleet.join()).elector;
    for (const replica of [elector, standby]) {
      await expect(replica.runIfLeader(asTyped(Promise.resolve('ran')))).rejects.toMatchObject({
        code: 'INVALID_CONFIG',
        message: expect.stringMatching(/^runIfLeader was given Promise \{.* where it takes a function/),
        advice: 'Write runIfLeader(() => work()).',
      });
    }
  });

  it('waits for no leader under what is no signal', async () => {
    await expect(elector.whenLeader(asTyped(5000))).rejects.toMatchObject({
      code: 'INVALID_CONFIG',
      message: expect.stringContaining('whenLeader was given 5000 where it takes an AbortSignal.'),
      advice: 'Write whenLeader(AbortSignal.timeout(5000)).',
    });
  });
});
