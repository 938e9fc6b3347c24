import { LeaderElector } from 'nestjs-leader';
import { mountedServiceAccount } from '../../e2e/fleet/programs/mounted-service-account.js';
import { monotonic } from '../../e2e/fleet/replica-lines.js';

// One process that stands for many elections over one store. argv: the folder of its service account, and how many.

const elections = Number(process.argv[3]);
const store = mountedServiceAccount(process.argv[2]!);
const electors = Array.from(
  { length: elections },
  (_, i) => new LeaderElector({ name: `e${i}`, options: { leaseName: `bench-${i}`, store } }),
);
const say = (kind: string) => console.log(JSON.stringify({ kind, t: monotonic(), token: '', holder: '' }));
// Leads all, or sees a leader of all.
void Promise.all(electors.map((elector) => elector.whenLeader())).then(() => say('admitted'));
let unseen = elections;
for (const elector of electors)
  elector.leader$.subscribe((holder) => holder !== null && --unseen === 0 && say('holder'));
for (const elector of electors) await elector.start();
say('ready');
