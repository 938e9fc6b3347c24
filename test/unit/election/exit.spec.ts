import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  LeaderElector,
  type Exit,
  type LastRequest,
  type LeaseRecord,
  type Leaver,
  type Snapshot,
} from 'nestjs-leader';
import { ElectorFleet } from '../../support/elector-fleet.js';
import { tampered } from '../../support/hostile-store.js';
import { MachineClock, seededChance } from '../../support/virtual-time.js';

/** A process that ends, or does not, when the test says so. */
class FakeExit implements Exit {
  readonly leavers = new Set<Leaver>();
  asked = 0;
  join(leaver: Leaver) {
    this.leavers.add(leaver);
    return () => void this.leavers.delete(leaver);
  }
  stayLast() {
    this.asked += 1;
  }
  obstacle() {
    return null;
  }
  happens(): Leaver[] {
    const leavers = [...this.leavers];
    const farewells = leavers.map((leaver) => leaver.depart());
    for (const send of farewells) send?.();
    return leavers;
  }
}

describe('a process that exits by itself', () => {
  let fleet: ElectorFleet;
  let exit: FakeExit;
  let sent: { seen: Snapshot; record: LeaseRecord }[];
  let elector: LeaderElector;
  let log: string[];

  beforeEach(async () => {
    fleet = new ElectorFleet();
    exit = new FakeExit();
    sent = [];
    log = [];
    elector = make();
    await elector.start();
    await fleet.time.advance(20_000);
    expect(elector.isLeader()).toBe(true);
  });
  afterEach(async () => {
    void elector.shutdown();
    await fleet.stop();
    expect(fleet.time.pending).toBe(0);
    expect(exit.leavers.size).toBe(0);
  });

  function make(options: object = {}): LeaderElector {
    const store = tampered(fleet.store.connect(), (handle) => ({
      replaceAtExit: (seen: Snapshot, record: LeaseRecord): LastRequest => {
        sent.push({ seen, record });
        void handle.replace(seen, record, new AbortController().signal);
        return { isAnswered: () => true, close: () => undefined };
      },
    }));
    const line = (message: string) => void log.push(message);
    return new LeaderElector({
      options: { leaseName: 'orders', identity: 'x', store, ...options },
      clock: new MachineClock(fleet.time),
      chance: seededChance(9),
      log: { log: line, warn: line, error: line },
      exit,
    });
  }

  it('lets its lease go, and a standby leads at once', async () => {
    const standby = await fleet.join();
    const term = elector.currentTerm()!;
    exit.happens();
    expect(sent).toMatchObject([{ record: { holder: null, term: expect.any(String) } }]);
    expect(elector.isLeader()).toBe(false);
    expect(term.isValid()).toBe(false);
    expect(term.signal.aborted).toBe(true);
    await fleet.time.advance(50);
    expect(standby.elector.isLeader()).toBe(true);
  });

  it('has ended its term before anything is sent, and no listener can keep it', () => {
    const order: string[] = [];
    elector.currentTerm()!.signal.addEventListener('abort', () => order.push(`aborted, ${sent.length} sent`));
    elector.leadership$.subscribe((leads) => leads || order.push(`false, ${sent.length} sent`));
    const [leaver] = exit.leavers;
    const send = leaver!.depart();
    expect(order).toEqual(['aborted, 0 sent', 'false, 0 sent']);
    expect(elector.isLeader()).toBe(false);
    send!();
    expect(sent).toHaveLength(1);
  });

  it('sends it once, however often it exits', () => {
    exit.happens();
    exit.happens();
    expect(sent).toHaveLength(1);
  });

  it('says nothing for a term that is younger than its lease', async () => {
    await elector.stepDown({ cooldown: 0 });
    await fleet.time.advance(14_000);
    expect(elector.isLeader()).toBe(true);
    exit.happens();
    expect(elector.isLeader()).toBe(false);
    expect(sent).toEqual([]);
  });

  it('lets go while it drains, too', () => {
    void elector.runIfLeader(() => new Promise(() => {}));
    void elector.stepDown();
    expect(elector.status().role).toBe('draining');
    exit.happens();
    expect(sent).toMatchObject([{ record: { holder: null } }]);
  });

  it('does not let go of what an expired term has left', async () => {
    void elector.runIfLeader(() => new Promise(() => {}));
    void elector.stepDown();
    // The drain has timed out: the lease is left to expire.
    await fleet.time.advance(20_100);
    exit.happens();
    expect(sent).toEqual([]);
  });

  it('is conditional on its own last write, and changes nothing once another replica leads', async () => {
    const other = await fleet.join();
    const send = [...exit.leavers][0]!.depart()!;
    await fleet.time.advance(16_000);
    expect(other.elector.isLeader()).toBe(true);
    send();
    await fleet.time.advance(5_000);
    expect(other.elector.isLeader()).toBe(true);
    expect(other.elector.status().terms).toBe(1);
  });

  it('that lives on stands by again, says so, and does not lead beside its old work', async () => {
    let finish!: () => void;
    void elector.runIfLeader(() => new Promise<void>((resolve) => (finish = resolve)));
    const leavers = exit.happens();
    for (const leaver of leavers) leaver.survived();
    expect(log.filter((line) => line.includes('lives on although it has exited'))).toHaveLength(1);
    await fleet.time.advance(60_000);
    expect(elector.isLeader()).toBe(false);
    finish();
    await fleet.time.advance(20_000);
    expect(elector.status()).toMatchObject({ role: 'leader', terms: 2 });
  });

  it('that lives on stays out if it had been stopped', async () => {
    void elector.stop();
    for (const leaver of exit.happens()) leaver.survived();
    await fleet.time.advance(30_000);
    expect(elector.status().role).toBe('idle');
  });

  it('keeps its listener last: at the beginning of a term and with each renewal', async () => {
    const before = exit.asked;
    expect(before).toBeGreaterThan(0);
    await fleet.time.advance(3_100);
    expect(exit.asked).toBe(before + 1);
  });

  it.each([{ releaseOnExit: false }, { releaseOnShutdown: false }, { candidate: false }])(
    'keeps it with %j',
    async (options) => {
      await elector.stop();
      exit.leavers.clear();
      const silent = make(options);
      await silent.start();
      expect(exit.leavers.size).toBe(0);
      expect(silent.status().releaseAtExit).toBe('off');
      void silent.shutdown();
    },
  );
});
