import { now } from '../src/supervision.js';
import { COMMANDS, onCommand, type Command } from './commands.js';
import { Fleet } from './fleet.js';
import { LiveLog } from './live-log.js';
import type { Replica } from './replica.js';
import { RunFolder } from './run-folder.js';

/** `npm start`: three replicas of the sample, one log, and keys to make trouble with. */
const REPLICAS = 3;
const BACK_AFTER = 1_000;

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

function withLeader(act: (leader: Replica) => void): void {
  if (fleet.leader) act(fleet.leader);
  else log.note('nobody leads at the moment');
}

function done(replica: Replica, what: string): void {
  log.did(replica, what, now());
}

const obey: Record<Command, () => void> = {
  k: () => withLeader((leader) => (done(leader, 'killed'), leader.crash())),
  t: () => withLeader((leader) => (done(leader, 'terminated'), leader.terminate())),
  p: () => withLeader((leader) => (done(leader, 'paused'), leader.pause())),
  r: () => {
    const paused = fleet.replicas.filter((replica) => replica.paused);
    if (paused.length === 0) log.note('nobody is paused');
    for (const replica of paused) {
      replica.say('are you the leader?'); // waits in the pipe: the first thing that it reads
      done(replica, 'resumed');
      replica.resume();
    }
  },
  s: () => withLeader((leader) => (done(leader, 'asked to step down'), leader.say('step down'))),
  '+': () => void fleet.start(),
  q: () => void stop(0),
};

log.note(
  Object.entries(COMMANDS)
    .map(([key, what]) => `${key} ${what}`)
    .join('   '),
);
const closeInput = onCommand(
  process.stdin,
  (command) => obey[command](),
  (text) => log.note(`no such command: ${text}`),
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
  } else setTimeout(() => stopping || fleet.start(replica.name), BACK_AFTER);
});
for (let i = 0; i < REPLICAS; i++) fleet.start();
