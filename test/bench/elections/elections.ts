import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Replica } from '../../e2e/fleet/replica.js';
import { TELLS_HEAP } from '../contenders.js';
import { inShort, printTable } from '../figures.js';
import type { Lab } from '../lab.js';
import { grantAllLeases } from '../rights.js';
import { costs } from '../steady/hourly-cost.js';
import { Meter } from '../steady/meter.js';

const STAND = fileURLToPath(new URL('./stand.js', import.meta.url));

/** What a process costs that stands for 1, 10, 100 elections over one store: where it leads them all, and where it stands by for all. */
export async function elections(lab: Lab): Promise<void> {
  const rows: string[][] = [];
  for (const count of lab.amount([1, 10, 100], [1, 10])) {
    await using fleet = await lab.fleet();
    await grantAllLeases(fleet);
    const start = async (name: string) => {
      const replica = await fleet.guest(name, { wired: true }, ({ folder }, server) => {
        const { hostname, port } = new URL(server);
        const env = { KUBERNETES_SERVICE_HOST: hostname, KUBERNETES_SERVICE_PORT: port };
        return new Replica(name, process.execPath, [...TELLS_HEAP, STAND, folder, String(count)], env);
      });
      return new Meter(fleet, replica);
    };
    const leader = await start('leader');
    await leader.replica.until('admitted');
    const standby = await start('standby');
    await standby.replica.until('holder');
    await sleep(lab.amount(20_000, 5_000));
    const all = await costs([leader, standby], lab.amount(60_000, 15_000));
    for (const [role, meter] of [
      ['leader', leader],
      ['standby', standby],
    ] as const) {
      const { requests, kib, cpu, rss, heap } = all.get(meter)!;
      const figures = [meter.connections, requests, kib, cpu, rss, heap!].map((figure) => inShort([figure]));
      rows.push([`${count} election${count > 1 ? 's' : ''}, ${role} of all`, ...figures]);
    }
  }
  printTable([['', 'sockets', 'requests/h', 'KiB/h', 'CPU s/h', 'RSS MiB', 'live heap MiB'], ...rows]);
}
