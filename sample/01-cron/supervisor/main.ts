import { now } from '../src/supervision.js';
import { COMMANDS, onCommand, type Command } from './commands.js';
import { Fleet } from './fleet.js';
import { LiveLog } from './live-log.js';
import type { Replica } from './replica.js';
import { RunFolder } from './run-folder.js';

/** `npm start`: three replicas of the sample, one log, and keys to make trouble with. */
const REPLICAS = 3;
const BACK_AFTER = 1_000;
/** How long a command waits for somebody to lead, before it and after. A lease is five seconds. */
const PATIENCE = 60_000;

const folder = new RunFolder();
const fleet = new Fleet(folder);
const log = new LiveLog(fleet, process.stdout);
let stopping = false;

async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  closeInput();
  log.note('stopping: the leader finishes its work and lets the lease go');
  await fleet.stop();
  folder.remove();
  process.exit(code);
}

/** Acts on the leader as soon as there is one; resolves when the next term has begun. */
async function withLeader(key: Command, act: (leader: Replica) => void): Promise<void> {
  if (!fleet.leader) log.note(`${key}: when somebody leads`);
  const leader = await fleet.leaderAfter(0n, PATIENCE);
  if (stopping) return;
  if (!leader) return log.note(`${key}: nobody leads, given up`);
  const token = leader.token!;
  act(leader);
  await fleet.leaderAfter(token, PATIENCE);
}

function help(): void {
  const keys = Object.entries(COMMANDS).map(([key, what]) => `${key} ${what}`);
  log.note(keys.join('   '));
}

function done(replica: Replica, what: string): void {
  log.did(replica, what, now());
}

const obey: Record<Command, () => void | Promise<void>> = {
  k: () => withLeader('k', (leader) => (done(leader, 'killed'), leader.crash())),
  t: () => withLeader('t', (leader) => (done(leader, 'terminated'), leader.terminate())),
  p: () => withLeader('p', (leader) => (done(leader, 'paused'), leader.pause())),
  r: () => {
    const paused = fleet.replicas.filter((replica) => replica.paused);
    if (paused.length === 0) log.note('nobody is paused');
    for (const replica of paused) {
      replica.say('are you the leader?'); // waits in the pipe: the first thing that it reads
      done(replica, 'resumed');
      replica.resume();
    }
  },
  s: () => withLeader('s', (leader) => (done(leader, 'asked to step down'), leader.say('step down'))),
  '+': () => void fleet.start(),
  q: () => void stop(0),
  '?': help,
};

help();
const closeInput = onCommand(
  process.stdin,
  (command) => obey[command](),
  (text) => (log.note(`no such command: ${text}`), help()),
);
process.on('SIGINT', () => void stop(130));
process.on('SIGTERM', () => void stop(143));
process.on('SIGHUP', () => void stop(129));
// Nobody reads any more (`npm start | head`): there is nothing left to run for.
process.stdout.on('error', () => void stop(0));

fleet.events.subscribe(({ replica, event }) => {
  if (event.kind !== 'exited' || stopping) return;
  if (replica.identity === null && event.code) {
    log.note(`${replica.name} could not start; see above`);
    void stop(1);
  } else {
    setTimeout(() => stopping || fleet.start(replica.name), BACK_AFTER);
  }
});
for (let i = 0; i < REPLICAS; i++) fleet.start();
