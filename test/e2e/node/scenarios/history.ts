import { type Belief, overlaps } from '../../fleet/believers.js';
import type { ReplicaLine } from '../../fleet/replica-lines.js';
import type { ApplicationLine } from '../application/lines.js';
import type { ContainerLife } from './container-logs.js';

export interface Call {
  t: number;
  life: ContainerLife;
  token: string;
}

/** What one run of a scenario has cost. Milliseconds. */
export interface Figures {
  /** From the death of the leader's process, or its last call, to the first call of the next one. Absent: nobody took over. */
  takeover?: number;
  /** How often a call came from another process than the one before. */
  changes: number;
  /** The longest time between two calls of anybody. */
  longestGap: number;
  /** For how long two have believed to lead. */
  believers: number;
  /** Calls with an older token after one with a newer one. client-go has no tokens. */
  oldTokens?: number;
}

/** The lines of all replicas of a Deployment, merged: all carry the clock of the machine. */
export class History {
  private readonly heard: Call[] = [];
  /** By life and token, when it was first seen. */
  private readonly terms = new Map<string, number>();
  private readonly stretches = new Map<ContainerLife, Belief[]>();
  private readonly ended = new Set<Belief>();
  private readonly ports = new Map<string, number>();
  private readonly starts = new Map<ContainerLife, number>();
  /** What is not of our making: the logs of Nest, the traces of crashes. */
  private readonly texts: string[] = [];

  hear(life: ContainerLife, text: string): void {
    if (!text.startsWith('{"')) {
      this.texts.push(`${life.id}  ${text}`);
      return;
    }
    const line = JSON.parse(text) as ApplicationLine | ReplicaLine;
    switch (line.kind) {
      case 'listening':
        this.ports.set(life.id, line.port);
        this.starts.set(life, line.t);
        break;
      case 'ready':
        this.starts.set(life, line.t);
        break;
      case 'call':
        this.called(life, line.t, line.token);
        break;
      case 'sample':
        // What client-go's replica says while it leads: work that follows its callbacks would run then.
        if (line.leader) this.called(life, line.t, line.token ?? '');
        else this.believed(life, line.t, false);
        break;
      case 'belief':
        this.believed(life, line.leader ? line.t : line.since, line.leader);
        break;
    }
  }

  /** In the order in which they were made. */
  calls(from = 0, to = Infinity): Call[] {
    return this.heard.filter(({ t }) => t >= from && t <= to).toSorted((a, b) => a.t - b.t);
  }

  /** The last call since `from`, by whomever. Asked many times a second, so it looks at the end only: lines come nearly in order. */
  latest(from: number): Call | undefined {
    const [first, ...others] = this.heard.slice(-500).filter(({ t }) => t >= from);
    return first && others.reduce((last, call) => (call.t > last.t ? call : last), first);
  }

  /** When the term of a call began to show. */
  begun({ life, token }: Call): number {
    return this.terms.get(`${life.id} ${token}`) ?? Infinity;
  }

  /** When a replica last began to listen; 0 if none has. */
  get lastStart(): number {
    return Math.max(0, ...this.starts.values());
  }

  get firstStart(): number {
    return Math.min(...this.starts.values());
  }

  port(life: ContainerLife): number {
    const port = this.ports.get(life.id);
    if (port === undefined) throw new Error(`${life.id} has not said on which port it listens.`);
    return port;
  }

  /** The end of what was written beside lines of ours, for failures. */
  get tail(): string {
    return this.texts.slice(-60).join('\n');
  }

  /** @param before who led when it began @param killed when its process was killed, if it was */
  figures(from: number, to: number, before?: ContainerLife, killed?: number): Figures {
    const calls = this.calls(from, to);
    const last = calls.findLast(({ life }) => life.id === before?.id);
    const since = killed ?? last?.t ?? this.firstStart;
    const steps = pairs(calls);
    const next = calls.find(({ t, life }) => t >= since && life.id !== before?.id);
    return {
      takeover: next && next.t - since,
      changes: steps.filter(([a, b]) => a.life.id !== b.life.id).length,
      longestGap: Math.max(0, ...steps.map(([a, b]) => b.t - a.t)),
      believers: this.overlap(from, to),
      oldTokens: oldTokens(calls),
    };
  }

  private called(life: ContainerLife, t: number, token: string): void {
    this.heard.push({ t, life, token });
    const term = `${life.id} ${token}`;
    if (!this.terms.has(term)) this.terms.set(term, t);
    this.believed(life, t, true, token);
  }

  /** @param t of the first or the last answer that says yes for certain */
  private believed(life: ContainerLife, t: number, leader: boolean, token = '?'): void {
    const own = this.stretches.get(life) ?? [];
    this.stretches.set(life, own);
    const open = own.at(-1);
    const isOpen = open !== undefined && !this.ended.has(open);
    if (isOpen) open.to = Math.max(open.to, t);
    else if (leader) own.push({ replica: life.id, token, from: t, to: t });
    if (isOpen && !leader) this.ended.add(open);
  }

  private overlap(from: number, to: number): number {
    const all = [...this.stretches.values()].flat().filter((it) => it.to >= from && it.from <= to);
    return overlaps(all).reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  }
}

function oldTokens(calls: Call[]): number | undefined {
  if (calls.some(({ token }) => !/^\d+$/.test(token))) return undefined;
  let [newest, old] = [0n, 0];
  for (const { token } of calls) {
    if (BigInt(token) < newest) old++;
    else newest = BigInt(token);
  }
  return old;
}

function pairs<T>(all: T[]): [T, T][] {
  return all.slice(1).map((it, i) => [all[i]!, it]);
}
