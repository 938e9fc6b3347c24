import { readdir } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { FileScene } from './scene.js';

interface Attempt {
  kind: string;
  writeId: string;
  on?: string;
  token: string;
}

describe('processes that write the same lease at the same time', { timeout: 120_000 }, () => {
  it('make one chain of versions: none applied twice, none lost, none built on another that was', async () => {
    const scene = await FileScene.set();
    const first = (await scene.read()).token;
    const reports = await Promise.all(Array.from({ length: 5 }, () => scene.run('race', '40')));
    const attempts = reports.flatMap(({ lines }) => lines as Attempt[]);

    const applied = attempts.filter(({ kind }) => kind === 'applied');
    expect(applied).toHaveLength(200);
    expect(new Set(applied.map(({ token }) => token)).size).toBe(200);
    const writerOf = new Map(applied.map(({ token, writeId }) => [token, writeId]));
    for (const { token, on } of applied) expect(on).toBe(writerOf.get(String(BigInt(token) - 1n)));

    // A write that cannot say whether it was in time is honest, not lost: it counts where others have built on it.
    const builtOn = new Set(attempts.map(({ on }) => on));
    const landed = attempts.filter(({ kind, writeId }) => kind === 'unknown' && builtOn.has(writeId));
    const last = await scene.read();
    expect(last.token - first).toBe(BigInt(200 + landed.length));
    expect(last.lease?.record.transitions).toBe(200 + landed.length);
    expect(attempts.filter(({ kind, writeId }) => kind === 'conflict' && builtOn.has(writeId))).toEqual([]);
  });

  it('leave a small directory behind', async () => {
    const scene = await FileScene.set();
    scene.writeElsewhere(60);
    expect((await readdir(scene.path)).length).toBeLessThanOrEqual(17);
  });
});

describe('a process that is killed in the middle of a write', { timeout: 120_000 }, () => {
  it.each([
    ['before its version has a name', 'link', 0n],
    ['after its version has a name', 'link+', 1n],
    ['before it could look whether it was first', 'unlink', 1n],
  ])('%s leaves a lease that reads well and that others write on', async (_when, call, written) => {
    const scene = await FileScene.set();
    const before = await scene.write('a');
    expect(await scene.run('die', call)).toEqual({ killed: true, lines: [] });
    const after = await scene.read();
    expect(after.token - before.token).toBe(written);
    expect(after.lease?.record.holder).toMatch(written ? /^process-/ : /^a$/);
    expect((await scene.write('b')).token).toBe(after.token + 1n);
  });
});
