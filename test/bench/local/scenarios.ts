import { setTimeout as sleep } from 'node:timers/promises';
import { type Belief, now, overlaps } from './belief.js';
import type { Contestant } from './contestant.js';

export interface Contest {
  readonly leader: Contestant;
  readonly standby: Contestant;
}

/** Milliseconds from what was done to the leader to the first work that the successor admitted. */
export type Scenario = (contest: Contest) => Promise<number>;

export const graceful: Scenario = async ({ leader, standby }) => takeover(leader, standby, 'SIGTERM');

export const crash: Scenario = async ({ leader, standby }) => takeover(leader, standby, 'SIGKILL');

/** Fails when the woken leader and its successor ever believed at the same time. */
export const pause: Scenario = async ({ leader, standby }) => {
  const beliefs: Belief[] = [];
  for (const { messages } of [leader, standby])
    messages.subscribe((message) => message.kind === 'believed' && beliefs.push(message.belief));
  const took = await takeover(leader, standby, 'SIGSTOP');
  await sleep(100);
  const woken = now();
  leader.signal('SIGCONT');
  await leader.told('believed');
  await sleep(500);
  standby.ask();
  await standby.told('believed');
  const both = overlaps(beliefs);
  if (both.length > 0) throw new Error(`two leaders: ${JSON.stringify(both)}`);
  const old = (await leader.told('admitted')).token;
  const stale = beliefs.find((belief) => belief.token === old && belief.to > woken);
  if (stale) throw new Error(`the woken leader still believed: ${JSON.stringify(stale)}`);
  return took;
};

async function takeover(leader: Contestant, standby: Contestant, signal: NodeJS.Signals): Promise<number> {
  const before = BigInt((await leader.told('admitted')).token);
  const at = now();
  leader.signal(signal);
  const admitted = await standby.told('admitted');
  if (BigInt(admitted.token) <= before) throw new Error(`token ${admitted.token} follows ${before}`);
  return admitted.at - at;
}
