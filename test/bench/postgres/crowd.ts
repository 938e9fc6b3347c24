import { randomUUID } from 'node:crypto';
import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { filter, firstValueFrom, Subject, timeout } from 'rxjs';
import type { Cluster } from '../../postgres/cluster.js';
import { statements } from './contests.js';

const SCRIPT = fileURLToPath(new URL('../../../crowd.mjs', import.meta.url));
const PROCESSES = 4;
const IDLE = 30_000;

interface Line {
  kind: 'ready' | 'admitted' | 'leaving';
  t: number;
}

/** A hundred replicas in four processes, and a leader among them that leaves, again and again. */
export async function crowdHandovers(cluster: Cluster, rounds: number) {
  const lease = `crowd-${randomUUID()}`;
  const lines = new Subject<Line>();
  const next = (kind: Line['kind']) =>
    firstValueFrom(
      lines.pipe(
        filter((line) => line.kind === kind),
        timeout({ first: 60_000 }),
      ),
    );
  const members: ChildProcess[] = [];
  const figures = { took: [] as number[], statements: [] as number[], idle: [] as number[] };
  try {
    for (let i = 0; i < PROCESSES; i++) {
      const env = { ...process.env, DATABASE_URL: cluster.url, LEASE: lease, SIZE: '25' };
      const member = spawn(process.execPath, [SCRIPT], { env, stdio: ['pipe', 'pipe', 'inherit'] });
      members.push(member);
      createInterface({ input: member.stdout! }).on('line', (text) => lines.next(JSON.parse(text) as Line));
      await next('ready');
    }
    await sleep(5_000);
    const counts = members.map(({ pid }) => statements(cluster, `crowd ${pid}`, IDLE));
    const [total] = [(await Promise.all(counts)).reduce((sum, count) => sum + count, 0)];
    const leaders = 20;
    figures.idle.push(Math.max(0, (total! * 60_000) / IDLE - leaders));
    for (let round = 0; round < rounds; round++) {
      const window = Promise.all(members.map(({ pid }) => statements(cluster, `crowd ${pid}`, 1_000)));
      const leaving = next('leaving');
      const admitted = leaving.then(() => next('admitted'));
      for (const { stdin } of members) stdin!.write('leave\n');
      figures.took.push((await admitted).t - (await leaving).t);
      figures.statements.push((await window).reduce((sum, count) => sum + count, 0));
      await sleep(1_500);
    }
    return figures;
  } finally {
    for (const member of members) member.kill('SIGKILL');
  }
}
