import type { Profile } from '../profiles.js';

/** A bug that somebody has had, put into a copy of `lib/election`: in this file, this text becomes that text. */
export interface Mutant {
  readonly bug: string;
  /** Who had it, or which interleaving shows it. */
  readonly origin: string;
  readonly profile: Profile;
  readonly patches: readonly { file: string; find: string; replace: string }[];
  /** False where it takes too many seeds for every `npm test`. */
  readonly quick?: false;
}

const patch = (file: string, find: string, replace: string) => ({ file, find, replace });

export const MUTANTS: readonly Mutant[] = [
  {
    bug: 'expiry by the writer’s wall clock',
    origin: 'the common home-made lease',
    profile: 'clocks',
    patches: [
      patch(
        'standby.ts',
        'const openFrom = Math.max(this.lease.vacancy.openFrom, contendFrom);',
        `const held = this.lease.latest.lease?.record;
         const openFrom = Math.max(held?.holder ? now + held.renewedAt! + held.duration - (this.lease as any).setup.clock.wall() : this.lease.vacancy.openFrom, contendFrom);`,
      ),
    ],
  },
  {
    bug: 'own duration instead of the recorded one',
    origin: 'client-go before kubernetes#114872',
    profile: 'timings',
    patches: [
      patch(
        'vacancy.ts',
        'const stated = record.duration > 0 ? record.duration : this.rules.leaseDuration;',
        'const stated = this.rules.leaseDuration;',
      ),
    ],
  },
  {
    bug: 'a shortened duration counts at once',
    origin: 'interleaving 7',
    quick: false,
    profile: 'timings',
    patches: [
      patch('vacancy.ts', 'const claimed = Math.max(stated, trusted);', 'const claimed = stated;'),
      patch(
        'vacancy.ts',
        '!renewed && claimed > this.incumbentDuration',
        '!renewed && claimed !== this.incumbentDuration',
      ),
    ],
  },
  {
    bug: 'leaseTransitions as the fencing token',
    origin: 'client-go users',
    profile: 'tampering',
    patches: [
      patch(
        'contention.ts',
        'fencingToken(this.setup.fencingEpoch, storeToken)',
        'fencingToken(this.setup.fencingEpoch, BigInt(won.attempt.record.transitions))',
      ),
    ],
  },
  {
    bug: 'the wall clock alone decides how long to believe',
    origin: 'a frozen or stepped clock',
    quick: false,
    profile: 'clocks',
    patches: [
      patch(
        'validity.ts',
        'if (now - this.base.mono >= this.renewDeadline) {',
        'if (this.clock.wall() - this.base.wall < this.renewDeadline) return true;\n if (now - this.base.mono >= this.renewDeadline) {',
      ),
    ],
  },
  {
    bug: 'the boot clock is not read',
    origin: 'interleaving 3: suspend with the wall stepped back',
    quick: false,
    profile: 'clocks',
    patches: [patch('validity.ts', 'boot: clock.boot() }', 'boot: undefined }')],
  },
  {
    bug: 'trust counted from the response',
    origin: 'client-go',
    quick: false,
    profile: 'network',
    patches: [
      patch(
        'incumbency.ts',
        'timings.renewDeadline, attempt.sent, {',
        'timings.renewDeadline, { mono: clock.now(), wall: clock.wall(), boot: clock.boot() }, {',
      ),
      patch(
        'tenure.ts',
        'this.validity.confirm(attempt.sent);',
        'const c = (this.validity as any).clock; this.validity.confirm({ mono: c.now(), wall: c.wall(), boot: c.boot() });',
      ),
    ],
  },
  {
    bug: 'no margin between deadline and duration',
    origin: 'clock rates',
    quick: false,
    profile: 'clocks',
    patches: [
      patch(
        'timings.ts',
        'const smallestMargin = Math.max(coarse ? 1000 : 0, leaseDuration * 0.1);',
        'const smallestMargin = 0;',
      ),
      patch('timings.ts', 'Math.round(leaseDuration * 0.8)', 'leaseDuration - 1'),
    ],
  },
  {
    bug: 'a flag that only a timer takes back',
    origin: 'after a pause overdue timers run last',
    profile: 'clocks',
    patches: [
      patch('incumbency.ts', "tenure.phase === 'leading' && tenure.validity.isValid()", "tenure.phase === 'leading'"),
    ],
  },
  {
    bug: 'an expired term is revived by the next renewal',
    origin: 'resume after a pause without a clock check',
    quick: false,
    profile: 'network',
    patches: [patch('validity.ts', 'this.over = true;\n    this.told.onExpired?.();', '')],
  },
  {
    bug: 'an unknown outcome counts as a renewal',
    origin: 'optimism',
    profile: 'network',
    patches: [patch('renewal.ts', "case 'unknown':\n", "case 'unknown':\n tenure.validity.confirm(attempt.sent);\n")],
  },
  {
    bug: 'a late answer begins a term',
    origin: 'interleaving 5',
    quick: false,
    profile: 'network',
    patches: [patch('incumbency.ts', 'if (!validity.isValid()) {', 'if (validity === null) {')],
  },
  {
    bug: 'an identical write counts as a renewal',
    origin: 'client-go: silent no-op renewal',
    profile: 'clocks',
    patches: [
      patch(
        'records.ts',
        'return { ...last, duration: wireDuration(rules), renewedAt: advance(rules, last, wall), writeId };',
        'return { ...last, renewedAt: last.renewedAt === null ? wall : last.renewedAt };',
      ),
      patch('answers.ts', '|| outcome.snapshot.lease.version === seen.lease?.version', ''),
      patch(
        'lease.ts',
        "if (outcome.kind === 'applied') {",
        "if (outcome.kind === 'applied') {\n attempt.onApplied?.();",
      ),
      patch(
        'renewal.ts',
        'const outcome = await lease.write(attempt, left);',
        "(attempt as any).onApplied = () => tenure.validity.confirm(attempt.sent);\n const outcome = await lease.write(attempt, left);\n if (outcome.kind === 'applied') tenure.renewAt = attempt.sent.mono + timings.renewInterval;",
      ),
    ],
  },
  {
    bug: 'renewTime does not advance on every write',
    origin: 'client-go standbys compare whole seconds',
    quick: false,
    profile: 'mixed',
    patches: [patch('records.ts', 'return Math.max(wall, (last.renewedAt ?? 0) + rules.resolution);', 'return wall;')],
  },
  {
    bug: 'change is noticed in whole seconds only',
    origin: 'client-go',
    quick: false,
    profile: 'clocks',
    patches: [
      patch(
        'vacancy.ts',
        'a.writeId === b.writeId &&\n    a.holder === b.holder &&\n    a.renewedAt === b.renewedAt &&',
        'a.holder === b.holder &&\n Math.trunc(a.renewedAt! / 1000) === Math.trunc(b.renewedAt! / 1000) &&',
      ),
    ],
  },
  {
    bug: 'an identity that two replicas share',
    origin: 'interleaving 1',
    profile: 'swarm',
    patches: [
      patch(
        'elector.ts',
        'this.identity = `${options.identity ?? hostname()}_${chance.uuid()}`;',
        "this.identity = 'r0_shared';",
      ),
    ],
  },
  {
    bug: 'an emptied lease is taken at once',
    origin: 'interleaving 2',
    profile: 'tampering',
    patches: [
      patch('vacancy.ts', 'this.isGenuineRelease(record) || this.isBlankedOwn(record)', 'record.holder === null'),
    ],
  },
  {
    bug: 'a deleted lease is created again at once',
    origin: 'client-go',
    profile: 'tampering',
    patches: [
      patch('vacancy.ts', 'incumbent === null || incumbent.holder === this.rules.identity', 'incumbent !== undefined'),
    ],
  },
  {
    bug: 'release before the work has stopped',
    origin: 'controller-runtime',
    profile: 'departures',
    patches: [
      patch(
        'departure.ts',
        'const inTime = await settlesWithin(this.setup.clock, this.setup.timings.drainTimeout, work);',
        'const inTime = await Promise.resolve(true);',
      ),
    ],
  },
  {
    bug: 'release although the drain timed out',
    origin: 'controller-runtime',
    profile: 'departures',
    patches: [patch('incumbency.ts', 'if (inTime && this.releases) {', 'if (this.releases) {')],
  },
  {
    bug: 'release without looking who holds',
    origin: 'client-go: blanks its successor’s lease',
    quick: false,
    profile: 'departures',
    patches: [
      patch(
        'release.ts',
        'if (record?.holder !== lease.rules.identity || record.term !== term) {',
        'if (record === undefined) {',
      ),
    ],
  },
  {
    bug: 'the signal aborts after leadership$ has said false',
    origin: 'order of the gate',
    profile: 'swarm',
    patches: [
      patch(
        'replica.ts',
        'term.abort(reason);\n    this.leadership.set(false);',
        'this.leadership.set(false);\n    term.abort(reason);',
      ),
    ],
  },
  {
    bug: 'its own write, met after a conflict, is taken for a loss',
    origin: 'client-go: 409 after a lost response',
    profile: 'network',
    patches: [patch('tenure.ts', 'if (landed >= 0) {', 'if (landed === -2) {')],
  },
  {
    bug: 'a broken watch (410) is not reopened',
    origin: 'facts of Kubernetes watches',
    profile: 'watches',
    patches: [
      patch(
        'watcher.ts',
        'this.cancelPause = this.clock.setTimer(() => this.start(), this.pause * (0.5 + this.chance.random()));',
        '',
      ),
    ],
  },
  {
    bug: 'a silent watch is trusted',
    origin: 'kubernetes#65012 and kin',
    quick: false,
    profile: 'watches',
    patches: [patch('rhythm.ts', 'return 2 * this.interval * (1 + 0.2 * this.chance.random());', 'return 3_600_000;')],
  },
  {
    bug: 'a lease that client-go emptied is taken, whoever held it',
    origin: 'ours, found by the simulator',
    quick: false,
    profile: 'frozen',
    patches: [
      patch(
        'vacancy.ts',
        'isForeign(incumbent) && incumbent.transitions === record.transitions',
        'isForeign(incumbent)',
      ),
    ],
  },
  {
    bug: 'a stop releases what an expired term has left',
    origin: 'ours, found by the simulator',
    quick: false,
    profile: 'departures',
    patches: [patch('release.ts', 'record.term !== term', '(unconfirmed === null && record.term !== term)')],
  },
  {
    bug: 'a watch that never told anything is never reopened',
    origin: 'ours, found by the simulator',
    quick: false,
    profile: 'watches',
    patches: [patch('watcher.ts', '(this.yielded || this.clock.now() - this.openedAt >= patience)', 'this.yielded')],
  },
  {
    bug: 'old news of a watch is believed',
    origin: 'interleavings 14 and 15',
    profile: 'watches',
    patches: [
      patch(
        'lease-view.ts',
        'if (known !== null && this.isOlder(snapshot, known, source)) {',
        "if (known !== null && source === 'read' && this.isOlder(snapshot, known, source)) {",
      ),
    ],
  },
];
