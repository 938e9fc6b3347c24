import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { isDead, ownIdentity, parseStat, type Evidence } from '../../../lib/stores/file/process-identity.js';
import { exited, FileScene } from './scene.js';

const holder = { pid: 4711, startTime: '1000', place: 'boot pid:[1] time:[1]' };
const self = { pid: 1, startTime: '1', place: holder.place };
const running: Evidence = { signal: 'delivered', stat: { state: 'S', threads: 11, startTime: '1000' } };

describe('a process is taken for dead', () => {
  it('when no process has its number', () => {
    expect(isDead(holder, self, { signal: 'no-such-process', stat: null })).toBe(true);
  });

  it('when a process with its number started at another time', () => {
    const other: Evidence = { signal: 'delivered', stat: { state: 'R', threads: 1, startTime: '2000' } };
    expect(isDead(holder, self, other)).toBe(true);
    expect(isDead(holder, self, { ...other, signal: 'forbidden' })).toBe(true);
  });

  it('when it is a zombie, the last of its threads', () => {
    expect(isDead(holder, self, { ...running, stat: { state: 'Z', threads: 1, startTime: '1000' } })).toBe(true);
  });
});

describe('a process is not taken for dead', () => {
  it('while it runs, sleeps or is stopped', () => {
    for (const state of ['R', 'S', 'D', 'T'])
      expect(isDead(holder, self, { ...running, stat: { state, threads: 11, startTime: '1000' } })).toBe(false);
  });

  it('as a zombie with threads on their way out: one of them may have a write in the kernel', () => {
    expect(isDead(holder, self, { ...running, stat: { state: 'Z', threads: 2, startTime: '1000' } })).toBe(false);
  });

  it('because /proc hides it', () => {
    expect(isDead(holder, self, { signal: 'forbidden', stat: null })).toBe(false);
    expect(isDead(holder, self, { signal: 'delivered', stat: null })).toBe(false);
  });

  it('by numbers of another boot, PID namespace or time namespace, or where the system tells none', () => {
    const gone: Evidence = { signal: 'no-such-process', stat: null };
    for (const place of ['reboot pid:[1] time:[1]', 'boot pid:[2] time:[1]', 'boot pid:[1] time:[2]'])
      expect(isDead({ ...holder, place }, self, gone)).toBe(false);

    expect(isDead(holder, null, gone)).toBe(false);
  });
});

describe('the status of a process', () => {
  it('reads well whatever its program is called', () => {
    const fields = `S ${Array.from({ length: 16 }, (_, i) => i).join(' ')} 7 0 424242 0`;
    expect(parseStat(`12 (a) b) S 9 (c) ${fields}`)).toEqual(parseStat(`12 (node) ${fields}`));
    expect(parseStat(`12 (node) ${fields}`)).toEqual({ state: 'S', threads: 7, startTime: '424242' });
    expect(parseStat('')).toBeNull();
  });
});

describe.runIf(ownIdentity())('with /proc, of real processes', { timeout: 60_000 }, () => {
  it('a holder that lives, or is stopped, is not gone; a killed one is', async () => {
    const scene = await FileScene.set();
    const child = await scene.holder();
    const seen = await scene.read();
    const isGone = () => scene.handle.isHolderGone!(seen, scene.signal);
    expect(scene.handle.holderProbeInterval).toBe(200);
    expect(await isGone()).toBe(false);
    child.kill('SIGSTOP');
    expect(await isGone()).toBe(false);
    child.kill('SIGKILL');
    await exited(child);
    expect(await isGone()).toBe(true);
  });

  it('a killed holder that nobody has reaped is gone', async () => {
    const scene = await FileScene.set();
    // The shell becomes a sleep, which never asks after its children.
    const parent = await scene.holder('sh', '-c', '"$@" & exec sleep 60', 'sh');
    const seen = await scene.read();
    const pid = Number(seen.lease?.record.holder?.replace('process-', ''));
    expect(await scene.handle.isHolderGone!(seen, scene.signal)).toBe(false);
    process.kill(pid, 'SIGKILL');
    await expect.poll(() => scene.handle.isHolderGone!(seen, scene.signal), { timeout: 10_000 }).toBe(true);
    expect(parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.state).toBe('Z');
    parent.kill();
  });

  it('a holder whose number another process has by now is gone', async () => {
    const scene = await FileScene.set();
    const seen = await scene.write('a');
    expect(await scene.handle.isHolderGone!(seen, scene.signal)).toBe(false);
    const file = JSON.parse(await scene.newestText()) as { writer: { startTime: string } };
    file.writer.startTime = '1';
    await writeFile(scene.versionPath(seen), JSON.stringify(file));
    expect(await scene.handle.isHolderGone!(seen, scene.signal)).toBe(true);
  });

  it('a holder of an earlier state proves nothing about the state that was asked for', async () => {
    const scene = await FileScene.set();
    const child = await scene.holder();
    const seen = await scene.read();
    child.kill('SIGKILL');
    await exited(child);
    const now = await scene.write('a');
    expect(await scene.handle.isHolderGone!(now, scene.signal)).toBe(false);
    const forged = { ...seen, lease: { ...seen.lease!, version: now.lease!.version } };
    expect(await scene.handle.isHolderGone!(forged, scene.signal)).toBe(false);
  });

  it('a holder in another PID namespace is waited for, dead or alive, and its age is not told', async ({
    annotate,
  }) => {
    const wrap = ['unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];
    if (spawnSync(wrap[0]!, [...wrap.slice(1), 'true']).status !== 0) {
      // Only the superuser may make namespaces here: the decision above is all that is tested on this machine.
      await annotate('PID namespaces are not permitted on this machine: only the decision was tested', 'notice');
      expect(isDead({ ...ownIdentity()!, place: 'elsewhere' }, ownIdentity(), running)).toBe(false);
      return;
    }
    const scene = await FileScene.set();
    const child = await scene.holder(...wrap);
    const seen = await scene.read();
    // In there its number is a small one, which some other process has out here.
    expect(seen.lease?.record.holder).toMatch(/^process-\d{1,2}$/);
    expect(seen.lease).not.toHaveProperty('age');
    expect(await scene.handle.isHolderGone!(seen, scene.signal)).toBe(false);
    child.kill('SIGKILL');
    await exited(child);
    expect(await scene.handle.isHolderGone!(seen, scene.signal)).toBe(false);
  });
});
