import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { overlaps } from '../e2e/fleet/believers.js';
import { Replica } from '../e2e/fleet/replica.js';

const SCRIPT = fileURLToPath(new URL('./replica.mjs', import.meta.url));

/** Replicas that stand for one lease, each a process. */
export class PostgresFleet implements AsyncDisposable {
  readonly lease = `fleet-${randomUUID()}`;
  readonly replicas: Replica[] = [];

  constructor(
    private readonly url: string,
    private readonly env: Record<string, string> = {},
  ) {}

  async add(env: Record<string, string> = {}): Promise<Replica> {
    const settings = { DATABASE_URL: this.url, LEASE: this.lease, ...this.env, ...env };
    const replica = new Replica(`replica-${this.replicas.length + 1}`, process.execPath, [SCRIPT], settings);
    this.replicas.push(replica);
    await replica.until('ready');
    return replica;
  }

  /** A leader, and a standby that has seen it lead. */
  async pair(env: { leader?: Record<string, string>; standby?: Record<string, string> } = {}) {
    const leader = await this.add(env.leader);
    const { token } = await leader.until('admitted');
    const standby = await this.add(env.standby);
    return { leader, standby, token: BigInt(token) };
  }

  /** Tokens in the order in which their terms began. */
  get tokens(): bigint[] {
    const admitted = this.replicas.flatMap((replica) => replica.of('admitted'));
    return admitted.toSorted((a, b) => a.t - b.t).map(({ token }) => BigInt(token));
  }

  expectOneBelieverAtATime(): void {
    expect(overlaps(this.replicas.flatMap(({ beliefs }) => beliefs))).toEqual([]);
  }

  expectGrowingTokens(): void {
    const { tokens } = this;
    expect(tokens).toEqual([...new Set(tokens)].toSorted((a, b) => (a < b ? -1 : 1)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.replicas.map((replica) => replica.kill()));
  }
}
