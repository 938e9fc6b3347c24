import { createRequire } from 'node:module';
import { join } from 'node:path';

// A replica on @codedependant/kubernetes-leader-election, at its defaults: argv has the folder of its package, its name, lease and namespace.

interface Elector {
  on(event: string, listener: () => void): void;
  start(): Promise<void>;
}

const [folder, identity, lease_name, namespace] = process.argv.slice(2) as [string, string, string, string];
const { Elector, EVENTS } = createRequire(join(folder, 'package.json'))(
  '@codedependant/kubernetes-leader-election',
) as {
  Elector: new (options: object) => Elector;
  EVENTS: Record<'LEADERSHIP_ACQUIRED', string>;
};

const say = (kind: string) =>
  console.log(JSON.stringify({ kind, t: Number(process.hrtime.bigint()) / 1e6, token: identity }));
const elector = new Elector({ identity, lease_name, namespace });
elector.on(EVENTS.LEADERSHIP_ACQUIRED, () => say('admitted'));
await elector.start();
// An application has something else to do; nothing of this package keeps a process alive.
setInterval(() => {}, 3_600_000);
say('ready');
