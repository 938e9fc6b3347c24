import { setTimeout as sleep } from 'node:timers/promises';
import { now } from '../src/supervision.js';
import type { Fleet } from '../supervisor/fleet.js';
import type { Replica } from '../supervisor/replica.js';
import type { RunFolder } from '../supervisor/run-folder.js';
import type { History } from './history.js';
import { checkWorkLog } from './work-log.js';

/** Runs one step; resolves with what was measured, throws when the step did not hold. */
export type Step = (stage: Stage) => Promise<string>;

export interface Stage {
  readonly fleet: Fleet;
  readonly history: History;
  readonly folder: RunFolder;
}

export const STEPS: Record<string, Step> = {
  'The first replica starts, and leads': async ({ fleet, history }) => {
    const a = fleet.start('A');
    const leads = await history.first('leads', { replica: a });
    const tick = await history.first('worked', { replica: a });
    hold(tick.token === leads.token, `it works with token ${tick.token}, not with that of its term`);
    return `A leads ${ms(leads.at - a.startedAt)} after its start, with token ${leads.token}`;
  },

  'A second one waits, and names the leader': async ({ fleet, history }) => {
    const a = leaderOf(fleet);
    const b = fleet.start('B');
    const seen = await history.first('sees-leader', { replica: b });
    hold(seen.leader === a.identity, `B names ${seen.leader}, but ${a.identity} leads`);
    await sleep(2_500);
    const [ofA, ofB] = [a, b].map((replica) => history.find('worked', { replica, since: seen.at }).length);
    hold(ofA! > 0 && ofB === 0, `A worked ${ofA} times, B ${ofB} times`);
    return `B names ${seen.leader}; in 2.5 s A worked ${ofA} times, B ${ofB}`;
  },

  'The leader is killed: the second takes over': async ({ fleet, history }) => {
    const [a, b] = [leaderOf(fleet), standbyOf(fleet)];
    const older = a.token!;
    const killed = now();
    a.crash();
    const leads = await history.first('leads', { replica: b, since: killed });
    const tick = await history.first('worked', { replica: b, since: killed });
    hold(BigInt(leads.token) > older, `token ${leads.token} is not above ${older}`);
    return `B leads ${ms(leads.at - killed)} after the SIGKILL; its first work came after ${ms(tick.at - killed)}`;
  },

  'The leader is terminated in the middle of its three-second job: the job ends, then the successor starts': async ({
    fleet,
    history,
  }) => {
    const [b, c] = [leaderOf(fleet), await standby(fleet, history)];
    await history.first('worked', { replica: b, since: now(), where: ({ note }) => note === 'page 1' });
    const terminated = now();
    b.terminate();
    const shut = await history.first('no-longer-leads', { replica: b, since: terminated });
    const done = await history.first('worked', {
      replica: b,
      since: terminated,
      where: ({ note }) => note?.endsWith('finished') === true,
    });
    const leads = await history.first('leads', { replica: c, since: terminated });
    await b.ended();
    hold(leads.at >= done.at, `C led ${ms(done.at - leads.at)} before the job of B was done`);
    const late = history.find('worked', { replica: b, since: shut.at, where: ({ job }) => job !== 'report' });
    hold(late.length === 0, `B began ${late.length} new jobs after it had been told to stop`);
    return (
      `B takes on no work ${ms(shut.at - terminated)} after the SIGTERM and finishes its job after ${ms(done.at - terminated)}; ` +
      `C leads ${ms(leads.at - done.at)} after that`
    );
  },

  'The leader is paused past its lease: another leads, and the woken one knows at its first question': async ({
    fleet,
    history,
  }) => {
    const [c, d] = [leaderOf(fleet), await standby(fleet, history)];
    const paused = now();
    c.pause();
    const leads = await history.first('leads', { replica: d, since: paused });
    await history.first('worked', { replica: d, since: leads.at });
    c.say('are you the leader?');
    const woken = now();
    c.resume();
    const answer = await history.first('answered', { replica: c, since: woken });
    hold(!answer.isLeader, 'the woken replica still answered that it leads');
    await history.first('no-longer-leads', { replica: c, since: woken });
    await sleep(2_500);
    const [ofC, ofD] = [c, d].map((replica) => history.find('worked', { replica, since: woken }).length);
    hold(ofC === 0 && ofD! > 0, `after the waking C worked ${ofC} times, D ${ofD} times`);
    return (
      `D leads ${ms(leads.at - paused)} after the SIGSTOP; C, woken, answers "not leader" after ${ms(answer.at - woken)}; ` +
      `in 2.5 s C worked ${ofC} times, D ${ofD}`
    );
  },

  'The leader steps down: another leads, and it stays': async ({ fleet, history }) => {
    const [d, c] = [leaderOf(fleet), standbyOf(fleet)];
    const asked = now();
    d.say('step down');
    const leads = await history.first('leads', { replica: c, since: asked });
    const last = Math.max(asked, ...history.find('worked', { replica: d, since: asked }).map(({ at }) => at));
    hold(leads.at >= last, 'C led before D had finished its work');
    hold(d.running, 'D has ended');
    return `C leads ${ms(leads.at - asked)} after the request, ${ms(leads.at - last)} after the last work of D`;
  },

  'All stop and one starts again: it need not wait for any lease': async ({ fleet, history }) => {
    const ending = fleet.replicas;
    await fleet.stop();
    const codes = ending.map((replica) => history.find('exited', { replica })[0]!);
    hold(
      codes.every(({ code, signal }) => code === 0 || signal === 'SIGTERM'),
      `ended with ${codes.map(({ code, signal }) => signal ?? code).join(', ')}`,
    );
    const e = fleet.start('E');
    const ready = await history.first('ready', { replica: e });
    const leads = await history.first('leads', { replica: e });
    await history.first('worked', { replica: e });
    const wait = leads.at - ready.at;
    hold(wait < 3_000, `it waited ${ms(wait)}`);
    return `E leads ${ms(wait)} after it was ready`;
  },

  'The work log holds no work of an older term after that of a newer one, and tokens only grew': async ({
    fleet,
    history,
    folder,
  }) => {
    await fleet.stop();
    const { entries, tokens } = checkWorkLog(folder.workLog);
    const terms = history.find('leads').map(({ token }) => BigInt(token));
    hold(
      terms.every((token, i) => i === 0 || token > terms[i - 1]!),
      `terms came in the order ${terms.join(', ')}`,
    );
    hold(
      tokens.every((token) => terms.includes(token)),
      'work was done in a term that nobody announced',
    );
    const idle = terms.length - tokens.length; // over before the next second struck
    return (
      `${entries} entries of ${tokens.length} terms, from token ${tokens[0]} to ${tokens.at(-1)}` +
      (idle > 0 ? `; ${idle} more ${idle === 1 ? 'term was' : 'terms were'} over before any job was due` : '')
    );
  },
};

function hold(condition: boolean, otherwise: string): asserts condition {
  if (!condition) throw new Error(otherwise);
}

function leaderOf(fleet: Fleet): Replica {
  hold(fleet.leader !== null, 'nobody leads');
  return fleet.leader;
}

function standbyOf(fleet: Fleet): Replica {
  const standby = fleet.replicas.find((replica) => replica !== fleet.leader);
  hold(standby !== undefined, 'nobody stands by');
  return standby;
}

/** A new replica that has seen the leader. */
async function standby(fleet: Fleet, history: History): Promise<Replica> {
  const replica = fleet.start();
  await history.first('sees-leader', { replica });
  return replica;
}

function ms(duration: number): string {
  return `${duration < 10 ? duration.toFixed(1) : Math.round(duration)} ms`;
}
