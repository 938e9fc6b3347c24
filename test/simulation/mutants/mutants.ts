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

/** A status of a Pod that proves nothing, taken for a proof of death. */
const noProof = (bug: string, origin: string, find: string, replace: string): Mutant => ({
  bug,
  origin,
  profile: 'proven-crashes',
  quick: false,
  patches: [patch('stores/kubernetes/crash/proof-of-death.ts', find, replace)],
});
const IS_UNFIT = 'if (spec === undefined || status === undefined || !endsWithItsFirstProcess(spec)) return false;';

export const MUTANTS: readonly Mutant[] = [
  {
    bug: 'expiry by the writer’s wall clock',
    origin: 'the common home-made lease',
    profile: 'clocks',
    patches: [
      patch(
        'loop/standby.ts',
        'const openFrom = Math.max(takeover.openFrom, claimFrom);',
        `const held = this.lease.latest.lease?.record;
         const openFrom = Math.max(held?.holder ? now + held.renewedAt! + held.duration - this.setup.clock.wall() : takeover.openFrom, claimFrom);`,
      ),
    ],
  },
  {
    bug: 'own duration instead of the recorded one',
    origin: 'client-go before kubernetes#114872',
    profile: 'timings',
    patches: [
      patch(
        'rules/takeover-time.ts',
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
      patch('rules/takeover-time.ts', 'const claimed = Math.max(stated, trusted);', 'const claimed = stated;'),
      patch(
        'rules/takeover-time.ts',
        '!renewed && claimed > this.holderDuration',
        '!renewed && claimed !== this.holderDuration',
      ),
    ],
  },
  {
    bug: 'leaseTransitions as the fencing token',
    origin: 'client-go users',
    profile: 'tampering',
    patches: [
      patch(
        'loop/standby.ts',
        'fencingToken(setup.fencingEpoch, storeToken)',
        'fencingToken(setup.fencingEpoch, BigInt(attempt.record.transitions))',
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
        'rules/leader-validity.ts',
        'if (now - this.base.mono >= this.renewDeadline)',
        'if (this.clock.wall() - this.base.wall < this.renewDeadline) return true;\n if (now - this.base.mono >= this.renewDeadline)',
      ),
    ],
  },
  {
    bug: 'the boot clock is not read',
    origin: 'interleaving 3: suspend with the wall stepped back',
    quick: false,
    profile: 'clocks',
    patches: [
      patch(
        'rules/leader-validity.ts',
        'const boot = this.clock.boot();',
        'const boot = undefined as number | undefined;',
      ),
    ],
  },
  {
    bug: 'trust counted from the response',
    origin: 'client-go',
    quick: false,
    profile: 'late-answers',
    patches: [
      patch(
        'loop/leader.ts',
        'timings.renewDeadline, attempt.sent, (',
        'timings.renewDeadline, { mono: clock.now(), wall: clock.wall(), boot: clock.boot() }, (',
      ),
      patch(
        'loop/held-lease.ts',
        'return this.validity.confirm(attempt.sent)',
        'const c = (this.validity as any).clock; return this.validity.confirm({ mono: c.now(), wall: c.wall(), boot: c.boot() })',
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
        'rules/timings.ts',
        'const smallestMargin = Math.max(coarse ? 1000 : 0, leaseDuration * 0.1);',
        'const smallestMargin = 0;',
      ),
      patch('rules/timings.ts', 'Math.round(leaseDuration * 0.8)', 'leaseDuration - 1'),
    ],
  },
  {
    bug: 'a flag that only a timer takes back',
    origin: 'after a pause overdue timers run last',
    profile: 'clocks',
    patches: [
      patch(
        'work/term-announcements.ts',
        'admitting !== null && admitting.validity.isValid() ?',
        'admitting !== null ?',
      ),
    ],
  },
  {
    bug: 'an expired term is revived by the next renewal',
    origin: 'resume after a pause without a clock check',
    quick: false,
    profile: 'network',
    patches: [patch('rules/leader-validity.ts', "this.over = true;\n    this.onDoubt('expired');", '')],
  },
  {
    bug: 'an unknown outcome counts as a renewal',
    origin: 'optimism',
    profile: 'network',
    patches: [
      patch('loop/held-lease.ts', "case 'unknown':\n", "case 'unknown':\n this.validity.confirm(attempt.sent);\n"),
    ],
  },
  {
    bug: 'a late answer begins a term',
    origin: 'interleaving 5',
    quick: false,
    profile: 'network',
    patches: [patch('loop/leader.ts', 'if (!validity.isValid()) return false;', '')],
  },
  {
    bug: 'an identical write counts as a renewal',
    origin: 'client-go: silent no-op renewal',
    profile: 'clocks',
    patches: [
      patch(
        'lease/next-record.ts',
        'return { ...last, duration: wireDuration(rules), renewedAt: advance(rules, last, wall), writeId, ledger };',
        'return { ...last, renewedAt: last.renewedAt === null ? wall : last.renewedAt };',
      ),
      patch('lease/answers.ts', '|| outcome.snapshot.lease.version === seen.lease?.version', ''),
      patch(
        'lease/lease-client.ts',
        "if (outcome.kind === 'applied') this.see(",
        "if (outcome.kind === 'applied') (attempt as any).onApplied?.();\n if (outcome.kind === 'applied') this.see(",
      ),
      patch(
        'loop/held-lease.ts',
        'const outcome = await lease.write(attempt, left);',
        "(attempt as any).onApplied = () => this.validity.confirm(attempt.sent);\n const outcome = await lease.write(attempt, left);\n if (outcome.kind === 'applied') this.renewAt = attempt.sent.mono + setup.timings.renewInterval;",
      ),
    ],
  },
  {
    bug: 'renewTime does not advance on every write',
    origin: 'client-go standbys compare whole seconds',
    quick: false,
    profile: 'mixed',
    patches: [
      patch('lease/next-record.ts', 'return Math.max(wall, (last.renewedAt ?? 0) + rules.resolution);', 'return wall;'),
    ],
  },
  {
    bug: 'change is noticed in whole seconds only',
    origin: 'client-go',
    quick: false,
    profile: 'clocks',
    patches: [
      patch(
        'lease-record.ts',
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
        'this.identity = `${options.identity ?? options.store.processName ?? hostname()}_${chance.uuid()}`;',
        "this.identity = 'r0_shared';",
      ),
    ],
  },
  {
    bug: 'an emptied lease is taken at once',
    origin: 'interleaving 2',
    profile: 'tampering',
    patches: [
      patch(
        'rules/takeover-time.ts',
        'this.isGenuineRelease(record) || this.isBlankedOwn(record)',
        'record.holder === null',
      ),
    ],
  },
  {
    bug: 'a deleted lease is created again at once',
    origin: 'client-go',
    profile: 'tampering',
    patches: [
      patch(
        'rules/takeover-time.ts',
        'lastHolder === null || lastHolder.holder === this.rules.identity',
        'lastHolder !== undefined',
      ),
    ],
  },
  {
    bug: 'release before the work has stopped',
    origin: 'controller-runtime',
    profile: 'departures',
    patches: [
      patch(
        'loop/leader.ts',
        'const inTime = await settlesWithin(clock, timings.drainTimeout, work);',
        'const inTime = true;',
      ),
    ],
  },
  {
    bug: 'release although the drain timed out',
    origin: 'controller-runtime',
    profile: 'departures',
    patches: [patch('loop/leader.ts', 'if (!inTime) this.abandon(held, work);', '')],
  },
  {
    bug: 'release without looking who holds',
    origin: 'client-go: blanks its successor’s lease',
    quick: false,
    profile: 'departures',
    patches: [
      patch(
        'loop/release.ts',
        'if (record?.holder !== lease.rules.identity || !isOfThisTerm(record)) {',
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
        'work/term-announcements.ts',
        'term.abort(reason);\n    this.leadership.set(false);',
        'this.leadership.set(false);\n    term.abort(reason);',
      ),
    ],
  },
  {
    bug: 'its own write, met after a conflict, is taken for a loss',
    origin: 'client-go: 409 after a lost response',
    profile: 'network',
    patches: [patch('loop/held-lease.ts', 'if (landed >= 0)', 'if (landed === -2)')],
  },
  {
    bug: 'a broken watch (410) is not reopened',
    origin: 'facts of Kubernetes watches',
    profile: 'watches',
    patches: [
      patch('lease/lease-watcher.ts', 'this.cancelPause = this.clock.setTimer(() => this.start(), pause);', ''),
    ],
  },
  {
    bug: 'a silent watch is trusted',
    origin: 'kubernetes#65012 and kin',
    quick: false,
    profile: 'watches',
    patches: [
      patch(
        'loop/standby-timing.ts',
        'return 2 * this.interval * (1 + 0.2 * this.chance.random());',
        'return 3_600_000;',
      ),
    ],
  },
  {
    bug: 'a lease that client-go emptied is taken, whoever held it',
    origin: 'ours, found by the simulator',
    quick: false,
    profile: 'frozen',
    patches: [
      patch(
        'rules/takeover-time.ts',
        'isForeign(lastHolder) && lastHolder.transitions === record.transitions',
        'isForeign(lastHolder)',
      ),
    ],
  },
  {
    bug: 'a stop releases what an expired term has left',
    origin: 'ours, found by the simulator',
    quick: false,
    profile: 'departures',
    patches: [
      patch('loop/release.ts', '|| !isOfThisTerm(record)', '|| (unconfirmed === null && !isOfThisTerm(record))'),
    ],
  },
  {
    bug: 'a watch that never told anything is never reopened',
    origin: 'ours, found by the simulator',
    quick: false,
    profile: 'watches',
    patches: [
      patch('lease/lease-watcher.ts', '(this.yielded || this.clock.now() - this.openedAt >= patience)', 'this.yielded'),
    ],
  },
  {
    bug: 'old news of a watch is believed',
    origin: 'interleavings 14 and 15',
    profile: 'watches',
    patches: [
      patch(
        'lease/believed-lease.ts',
        'if (known === null ? !this.isVouched || snapshot.lease === null : isReplayed(snapshot, known)) {',
        'if (known === null && snapshot.lease === null) {',
      ),
    ],
  },
  {
    bug: 'a watch that nobody vouches for is believed as a read is',
    origin: 'a forged release opened the lease',
    profile: 'forged',
    patches: [
      patch(
        'lease/believed-lease.ts',
        'if (this.isVouched && snapshot.lease !== null)',
        'if (snapshot.lease !== null)',
      ),
    ],
  },
  {
    bug: 'a hint ends a term',
    origin: 'a forged holder',
    profile: 'forged',
    patches: [
      patch(
        'loop/election-loop.ts',
        'else lease.hints.ring(seen.now, seen.snapshot.token);',
        'else leader.seen(seen.snapshot, seen.now);',
      ),
    ],
  },
  {
    bug: 'a hint confirms a term',
    origin: 'a forged confirmation',
    quick: false,
    profile: 'forged',
    patches: [
      patch(
        'lease/lease-client.ts',
        "this.onSeen({ kind: 'sign', now })",
        "this.onSeen({ kind: 'sign', now, snapshot } as any)",
      ),
      patch(
        'loop/election-loop.ts',
        'return standby.heardSign(seen.now);',
        `{
          const held = leader.held;
          const shown = (seen as any).snapshot.lease;
          const landed = held ? (held as any).attempts.findIndex((a: any) => a.writeId === shown.record.writeId) : -1;
          if (landed >= 0) (held as any).confirm(landed, shown, seen.now);
          return standby.heardSign(seen.now);
        }`,
      ),
    ],
  },
  {
    bug: 'a hint extends beyond the read that did not show it',
    origin: 'forged signs of life of a dead holder',
    quick: false,
    profile: 'forged',
    patches: [
      patch(
        'rules/takeover-time.ts',
        'if (this.hintedAt <= sentAt || this.hintedToken <= token)',
        'if (this.hintedToken <= token)',
      ),
    ],
  },
  {
    bug: 'every ring of a hint is answered at once',
    origin: 'a forger who rings twice a second',
    quick: false,
    profile: 'forged',
    patches: [patch('lease/hint-limiter.ts', 'this.quietUntil = now + this.pause;', '')],
  },
  {
    bug: 'the watch is believed after the store went back',
    origin: 'etcd restored behind a running API server',
    quick: false,
    profile: 'restored',
    patches: [patch('lease/believed-lease.ts', 'if (this.astray) {', 'if (known === null && this.astray) {')],
  },
  {
    bug: 'a state that went back is never believed',
    origin: 'a restart after every restore',
    quick: false,
    profile: 'restored',
    patches: [
      patch('lease/believed-lease.ts', 'if (now - since < this.takeover.longestDuration)', 'if (now >= since)'),
    ],
  },
  {
    bug: 'a state that went back is believed at once',
    origin: 'a replica of the store that lags',
    quick: false,
    profile: 'network',
    patches: [patch('lease/believed-lease.ts', 'if (now - since < this.takeover.longestDuration)', 'if (now < since)')],
  },
  {
    bug: 'a record without mark is not recognised as one’s own',
    origin: 'a policy that strips annotations',
    profile: 'unmarked',
    patches: [
      patch('lease-record.ts', 'if (record.writeId !== null || record.term !== null)', 'if (record !== undefined)'),
    ],
  },
  {
    bug: 'a conflict that nothing explains is no failure',
    origin: '409 forever, and nothing in the log',
    quick: false,
    profile: 'refusals',
    patches: [
      patch('loop/standby.ts', "setup.health.failed('writing', unexplainedConflict());", ''),
      patch('loop/held-lease.ts', "setup.health.failed('writing', unexplainedConflict());", ''),
    ],
  },
  {
    bug: 'a read that succeeds clears what is known of writes',
    origin: '“answers again” while nobody can lead',
    quick: false,
    profile: 'refusals',
    patches: [
      patch(
        'lease/lease-client.ts',
        "if (source === 'read') this.setup.health.succeeded('reading');",
        "if (source === 'read') this.setup.health.succeeded('reading');\n if (source === 'read') this.setup.health.succeeded('writing');",
      ),
    ],
  },
  {
    bug: 'Retry-After of a watch is ignored',
    origin: 'ten lists in 20 s from every replica',
    quick: false,
    profile: 'patience',
    patches: [
      patch(
        'lease/lease-watcher.ts',
        'const askedFor = pauseAskedFor(cause, this.longestAskedPause);',
        'const askedFor = 0;',
      ),
    ],
  },
  {
    bug: 'Retry-After of a read is ignored',
    origin: 'the same',
    quick: false,
    profile: 'patience',
    patches: [patch('loop/standby.ts', 'this.refusedUntil = now + retryAfter;', 'this.refusedUntil = now;')],
  },
  {
    bug: 'one event resets the pause of a watch',
    origin: 'a watch that delivers one event and ends',
    quick: false,
    profile: 'patience',
    patches: [
      patch(
        'lease/lease-watcher.ts',
        'if (this.yielded && this.clock.now() - this.openedAt >= STEADY)',
        'if (this.yielded)',
      ),
    ],
  },
  {
    bug: 'a ring ends the pause after a refused claim',
    origin: 'ours, found by the simulator',
    profile: 'besieged',
    patches: [
      patch(
        'loop/standby.ts',
        'if (now < this.notBefore) {',
        'if (now < Math.min(this.notBefore, Math.max(this.refusedUntil, this.lease.hints.readAt))) {',
      ),
    ],
  },
  {
    bug: 'events put off the read that a failure owes',
    origin: 'ours, found by the simulator',
    profile: 'aftermath',
    patches: [patch('loop/standby.ts', 'else if (byWatch)', 'else if (false)')],
  },
  {
    bug: 'a leader never asks again whether reads work',
    origin: 'ours, found by the simulator',
    quick: false,
    profile: 'aftermath',
    patches: [patch('loop/held-lease.ts', 'this.isReadingBroken ? this.rereadAt : Infinity', 'Infinity')],
  },
  {
    bug: 'an edit of the holder’s name is taken for a takeover',
    profile: 'seized',
    origin: 'ours, found by the simulator',
    quick: false,
    patches: [
      patch(
        'rules/takeover-time.ts',
        'const isSameSign = before !== null &&',
        'const isSameSign = before?.holder === holder &&',
      ),
    ],
  },
  {
    bug: 'a quiet lease reopens the watch that was asked to wait',
    origin: 'ours, found by the simulator',
    quick: false,
    profile: 'patience',
    patches: [patch('lease/lease-watcher.ts', 'if (this.controller === null) return;', '')],
  },
  {
    bug: 'a tick at the mark is due again',
    origin: 'K1',
    profile: 'ticks',
    patches: [patch('ticks/due-ticks.ts', 'job.schedule.next(instant);', 'job.schedule.next(instant - 1);')],
  },
  {
    bug: 'a claim with one attempt is run again after a crash',
    origin: 'K2',
    profile: 'ticks',
    quick: false,
    patches: [
      patch('ticks/tick-rules.ts', 'return claim !== null && attempts > 1;', 'return claim !== null;'),
      patch('ticks/tick-rules.ts', '(attempts === 1 || open.used >= attempts)', 'open.used > attempts'),
    ],
  },
  {
    bug: 'a tick that is given up is not told',
    origin: 'K2',
    profile: 'ticks',
    quick: false,
    patches: [
      patch(
        'ticks/tick-rules.ts',
        'const abandoned = exhausted ? { abandoned: entry.mark } : {};',
        'const abandoned = {};',
      ),
    ],
  },
  {
    bug: 'an unfinished tick is not run again',
    origin: 'K2',
    profile: 'ticks',
    quick: false,
    patches: [
      patch('ticks/tick-rules.ts', 'if (open === null || entry.mark > now) return { entry };', 'return { entry };'),
    ],
  },
  {
    bug: 'work that was cut short counts as done',
    origin: 'K3',
    profile: 'ticks',
    quick: false,
    patches: [patch('ticks/tick-scheduler.ts', 'const isCutShort = term.signal.aborted;', 'const isCutShort = false;')],
  },
  {
    bug: 'a job is claimed while a run of it is open',
    origin: 'K3',
    profile: 'ticks',
    patches: [
      patch(
        'ticks/tick-scheduler.ts',
        'return this.runs.some((run) => run.job === job && run.isOpen);',
        'return job === "";',
      ),
    ],
  },
  {
    bug: 'a tick starts when its claim is sent',
    origin: 'K4',
    profile: 'ticks',
    quick: false,
    patches: [
      patch(
        'ticks/term-ledger.ts',
        'if (this.isOpen) this.claim(ledger);',
        `if (this.isOpen) this.claim(ledger);
         this.scheduler.start(this.scheduler.claims.filter((claim) => claim.term === this.termId), this.term);`,
      ),
    ],
  },
  {
    bug: 'a confirmed tick starts before its instant',
    origin: 'K4',
    profile: 'wrong-time',
    quick: false,
    patches: [patch('ticks/term-ledger.ts', ' && claim.scheduledAt <= wall', '')],
  },
  {
    bug: 'a ledger is made from the last attempt',
    origin: 'K5',
    profile: 'ticks',
    quick: false,
    patches: [
      patch(
        'ticks/term-ledger.ts',
        'const ledger = new Map(this.base);',
        'const ledger = new Map([...this.sent.values()].at(-1) ?? this.base);',
      ),
    ],
  },
  {
    bug: 'a ledger that is refused is sent again and again',
    origin: 'K5',
    profile: 'ticks',
    quick: false,
    patches: [patch('ticks/term-ledger.ts', 'this.isPlainNext = true;', '')],
  },
  {
    bug: 'a claim that never started stays',
    origin: 'K6',
    profile: 'glitches',
    quick: false,
    patches: [patch('ticks/tick-rules.ts', 'if (!isClaimOf(entry, claim)) return entry;', 'return entry;')],
  },
  {
    bug: 'a lease made anew begins with an empty ledger',
    origin: 'K7',
    profile: 'ticks',
    quick: false,
    patches: [
      patch(
        'ticks/opening-ledger.ts',
        'survived(shown ?? EMPTY_LEDGER, remembered, storeTime.lastClaimable)',
        'survived(shown ?? EMPTY_LEDGER, EMPTY_LEDGER, storeTime.lastClaimable)',
      ),
      patch(
        'ticks/opening-ledger.ts',
        'Math.floor(now) : storeTime.lastClaimable;',
        'Math.floor(now) : Math.floor(now);',
      ),
    ],
  },
  {
    bug: 'after a deletion the marks are taken for the truth',
    origin: 'K7',
    profile: 'ticks',
    quick: false,
    patches: [patch('ticks/tick-rules.ts', 'entry.attempts === 1 && entry.mark < from', 'false')],
  },
  {
    bug: 'a mark that was set back overrules whatever was claimed since',
    origin: 'K7',
    profile: 'reset-and-restored',
    quick: false,
    patches: [patch('ticks/tick-rules.ts', '&& other.mark > from;', '&& from > 0;')],
  },
  {
    bug: 'the last word of a process is sent while its term is still valid',
    origin: 'an exit listener that throws: the process lives on',
    profile: 'exits',
    quick: false,
    patches: [
      patch(
        'loop/leader.ts',
        'this.held = this.leaving = null; held.validity.end(); if (leaving === null) {',
        'this.held = this.leaving = null; if (leaving === null) {',
      ),
    ],
  },
  {
    bug: 'a process that lives through its exit leads again beside its old work',
    origin: 'an exit listener that throws: the process lives on',
    profile: 'exits',
    quick: false,
    patches: [patch('loop/leader.ts', 'void this.drain(held, work);', '')],
  },
  {
    bug: 'a crash opens the lease of a term that has just begun',
    origin: 'work that kills whoever leads',
    profile: 'proven-crashes',
    quick: false,
    patches: [patch('rules/takeover-time.ts', 'return this.termSeenAt + this.holderDuration;', 'return -Infinity;')],
  },
  noProof(
    'a failed Pod counts as dead',
    'phase believed',
    IS_UNFIT,
    `if ((status as { phase?: string }).phase === 'Failed') return true; ${IS_UNFIT}`,
  ),
  noProof(
    'a container that is not there counts as dead',
    'absence believed',
    IS_UNFIT,
    `${IS_UNFIT} if (statusesOf(pod, who.container).length === 0) return true;`,
  ),
  noProof(
    'an end that the kubelet made up is believed',
    'the containerID around it is believed',
    "typeof containerID === 'string' && RUNTIMES.test(containerID) &&",
    '',
  ),
  noProof(
    'a nonce is not compared',
    'an earlier process of the same container',
    'return nonce !== undefined && proofOf(nonce) === proof;',
    "return nonce !== undefined && proof !== '';",
  ),
  noProof(
    'another container’s message is believed',
    'a sidecar that prints the line',
    '.filter(({ name }) => name === container);',
    ';',
  ),
  noProof(
    'a shared process namespace is believed',
    'shareProcessNamespace',
    'return !shares &&',
    'return (shares || true) &&',
  ),
  {
    bug: 'a crash of one holder opens the lease of the next',
    origin: 'proof of death about the incarnation before',
    profile: 'proven-crashes',
    quick: false,
    patches: [
      patch('lease/lease-client.ts', 'if (!isSameTerm(seen, this.believed.latest!)) return;', ''),
      patch(
        'lease/holder-watcher.ts',
        'if (this.asked !== null && isSameTerm(this.asked.seen, latest)) return;',
        'if (this.asked !== null) return;',
      ),
    ],
  },
  {
    bug: 'another expression goes on from the mark of the old one',
    origin: 'K8',
    profile: 'ticks',
    quick: false,
    patches: [
      patch('ticks/tick-rules.ts', 'if (entry.schedule !== job.schedule.id) {', 'if (entry.schedule === "") {'),
    ],
  },
  {
    bug: 'ticks start although the clocks disagree',
    origin: 'K10',
    profile: 'wrong-time',
    quick: false,
    patches: [patch('ticks/store-time.ts', 'if (Math.abs(ahead) <= MOST_AHEAD) return null;', 'return null;')],
  },
  {
    bug: 'a claim that no clock can reach is not taken back',
    origin: 'K6',
    profile: 'glitches',
    quick: false,
    patches: [patch('ticks/term-ledger.ts', ' || isFarAhead(scheduledAt, look)', '')],
  },
  {
    bug: 'what counts as missed does not follow a clock that is set back',
    origin: 'K9',
    profile: 'glitches',
    quick: false,
    patches: [patch('ticks/due-ticks.ts', 'this.followBack(job.name, wall);', '')],
  },
  {
    bug: 'a mark a year ahead stays',
    origin: 'K10',
    profile: 'wrong-time',
    quick: false,
    patches: [patch('ticks/tick-rules.ts', 'if (isFarAhead(entry.mark, { now, storeNow })) {', 'if (now < 0) {')],
  },
];
