import { randomUUID } from 'node:crypto';
import { link, lstat, opendir, readdir, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { quoted } from '../../election/report/quoted.js';
import { errnoOf, noFile } from './errors.js';
import {
  discard,
  draft,
  FARTHEST,
  ifMissing,
  isDraft,
  readText,
  remove,
  syncNames,
  versionName,
  versionNumber,
} from './files.js';
import { decode } from './codec.js';

/** Versions that stay when a new one comes: readers have listed an old one and not yet opened it, writers ask whether they were in time. */
const KEPT = 16;
/** A draft this many milliseconds older than the newest version was left by a writer that died in the middle of a write. */
const STALE_DRAFT = 60_000;
const ORIGIN = 'origin';
/** Looks at a directory whose newest version cannot be opened. One is everyday life; each further one needs KEPT writes meanwhile. */
const ROUNDS = 10;
/** Names in a directory from which on it is listed piece by piece: somebody else's files must not take memory, nor time of the event loop. */
const CROWD = 5_000;
/** Removed by one write at most: a request has a deadline. */
const MOST_REMOVED = 500;

/** What a listing says. In a crowd: the lowest and the highest versions, and some drafts. */
interface Listing {
  /** Ascending. */
  readonly versions: number[];
  readonly drafts: string[];
  readonly hasOrigin: boolean;
}

/** What a writer builds on: a version, or an absent lease and the number from which it counts. */
export interface Seen {
  readonly number: number;
  readonly absent: boolean;
}

/**
 * Numbered versions of one lease as files; the highest is the state.
 * A version comes to be by link(2), which creates a name whole or not at all and fails where the name exists: compare-and-swap.
 * The highest version of a listing was the highest at some instant of it, as they come to be in ascending order.
 */
export class VersionDirectory {
  /** Highest number met by this process; numbering never starts below it, whatever the wall clock says. */
  private highest = 0;
  private cannotPrune = false;
  /** Until the first look has told. */
  private crowded = true;
  private warnedOfCrowd = false;

  constructor(readonly path: string) {}

  /**
   * The highest version and its text; where there is none, the number after which the first one comes.
   * @throws LeaseStoreError where a name stands for no file
   */
  async newest(): Promise<{ number: number; text: string | null }> {
    let name = ORIGIN;
    for (let round = 0; round < ROUNDS; round++) {
      const number = (await this.list()).versions.at(-1);
      if (number === undefined) {
        const origin = await this.origin();
        if (origin !== undefined) return { number: origin, text: null };
      } else {
        const text = await this.read(number);
        if (text !== undefined) return { number, text };
        name = versionName(number);
      }
      // Pruned between listing and reading: newer ones are there.
    }
    throw noFile(join(this.path, name));
  }

  /** Text of one version, `undefined` where it does not exist (any more), empty where it is no file that can be read. */
  async read(number: number): Promise<string | undefined> {
    return readText(join(this.path, versionName(number)));
  }

  /**
   * Creates the version after `seen` if that still is the newest. `mayLink` is asked at the last instant before the point of no return.
   * A rejection has linked nothing.
   */
  async link(
    seen: Seen,
    text: string,
    { durable, mayLink }: { durable: boolean; mayLink: () => boolean },
  ): Promise<'linked' | 'conflict' | 'called-off'> {
    // Not the comparison that counts, which is the link's: it tells those who come late for certain, before they pay for a sync.
    const { versions } = await this.list().catch(ifMissing(NOTHING));
    if (versions.at(-1) !== (seen.absent ? undefined : seen.number)) return 'conflict';
    const written = await draft(this.path, text, durable).catch(ifMissing(undefined));
    // The whole directory was removed: what was seen is gone.
    if (written === undefined) return 'conflict';
    try {
      if (!mayLink()) return 'called-off';
      await link(written, join(this.path, versionName(seen.number + 1)));
      return 'linked';
    } catch (error) {
      // ENOENT: directory or draft were removed under our hands.
      if (errnoOf(error) === 'EEXIST' || errnoOf(error) === 'ENOENT') return 'conflict';
      throw error;
    } finally {
      await remove(written).catch(() => {
        // The answer is the link's; a draft that stays is abandoned and goes with pruning.
      });
    }
  }

  /**
   * Whether the version after `seen`, just linked, is the state and built on what was seen.
   * `late`: higher ones are there, so it may be an old number that was pruned and is now made again.
   */
  async confirm(seen: Seen, durable: boolean): Promise<'applied' | 'late' | 'conflict'> {
    const number = seen.number + 1;
    const listing = await this.list();
    const { versions } = listing;
    if (versions.at(-1) !== number) return 'late';
    if (versions.at(-2) !== (seen.absent ? undefined : seen.number)) {
      // The lease was deleted meanwhile, or created by somebody else after a deletion.
      await remove(join(this.path, versionName(number)));
      return 'conflict';
    }
    if (durable) await syncNames(this.path);
    await this.prune(number, listing);
    return 'applied';
  }

  /** Keeps a version out of the way of pruning, for a person to look at. */
  async setAside(number: number): Promise<void> {
    const kept = join(this.path, `unreadable-${number}`);
    await link(join(this.path, versionName(number)), kept).catch((error: unknown) => {
      // Of a folder there are no links, and some systems allow none of a file that is not ours: it matters less than the lease.
      if (errnoOf(error) === undefined) throw error;
    });
  }

  private async list(): Promise<Listing> {
    const listing = await this.names();
    const { versions } = listing;
    while (versions.length > 0 && versions.at(-1)! > FARTHEST && !(await this.isLease(versions.at(-1)!)))
      await this.putAway(versions.pop()!);

    this.highest = Math.max(this.highest, versions.at(-1) ?? 0);
    return listing;
  }

  private async names(): Promise<Listing> {
    if (!this.crowded) {
      const names = await readdir(this.path);
      if (names.length <= CROWD) return sorted(names);
    }
    let count = 0;
    let ours: string[] = [];
    for await (const { name } of await opendir(this.path, { bufferSize: 1_024 })) {
      count += 1;
      if (name === ORIGIN || isDraft(name) || versionNumber(name) !== undefined) ours.push(name);
      if (ours.length > CROWD) ours = namesOf(sorted(ours));
    }
    if (count > CROWD && !this.warnedOfCrowd) {
      this.warnedOfCrowd = true;
      process.emitWarning(
        `The lease directory ${quoted(this.path)} holds thousands of files: every look at it takes long.`,
      );
    }
    this.crowded = count > CROWD;
    return sorted(ours);
  }

  private async isLease(number: number): Promise<boolean> {
    return decode((await this.read(number)) ?? '') !== null;
  }

  /** A number that no writer came to: to follow it would use the last ones up. Renamed, so that a person may look at it. */
  private async putAway(number: number): Promise<void> {
    const from = join(this.path, versionName(number));
    const to = join(this.path, `unreadable-${number}-${randomUUID()}`);
    await rename(from, to).catch(ifMissing(undefined));
    process.emitWarning(
      `${quoted(from)} is no lease, and its number is beyond all that will be used: it is now ${quoted(to)}.`,
    );
  }

  /**
   * The number that all agree to start from: written down by the first who finds no version. It comes from the wall clock, in
   * microseconds, so that tokens grow across a cleared temporary folder. `undefined` when versions have appeared meanwhile.
   */
  private async origin(): Promise<number | undefined> {
    const path = join(this.path, ORIGIN);
    const written = await draft(this.path, String(Math.max(Date.now() * 1_000, this.highest + 1)), false);
    try {
      await link(written, path);
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error;
    } finally {
      await remove(written);
    }
    const text = (await readText(path)) ?? '';
    if ((await this.list()).versions.length > 0) return undefined;
    if (/^\d{1,16}$/.test(text) && Number(text) < FARTHEST) return Number(text);
    // Cut short by a power failure, put there by a hand, or removed by who has created the lease: another round finds out.
    await discard(path);
    return undefined;
  }

  /**
   * Never takes the newest: whoever re-creates a lower number finds a higher one when it lists.
   * Takes the lowest first and stops where it cannot: a version that is still there proves that the one after it was not pruned either.
   */
  private async prune(newest: number, { versions, drafts, hasOrigin }: Listing): Promise<void> {
    const superfluous = versions.filter((version) => version <= newest - KEPT).map(versionName);
    try {
      for (const name of superfluous.slice(0, MOST_REMOVED)) await discard(join(this.path, name));
      // Kept, it would be where numbering starts again should somebody remove all versions and nothing else.
      if (hasOrigin) await discard(join(this.path, ORIGIN));
      if (newest % KEPT === 0)
        for (const name of await this.abandoned(newest, drafts)) await discard(join(this.path, name));
    } catch (error) {
      // The write stands all the same. Said once, since it will be so at every write.
      if (!this.cannotPrune)
        process.emitWarning(`Old versions of the lease in ${quoted(this.path)} stay: ${quoted(String(error))}.`);

      this.cannotPrune = true;
    }
  }

  /** By the clock of the file system alone. A writer whose draft is taken after all fails to link it, and nothing is harmed. */
  private async abandoned(newest: number, drafts: readonly string[]): Promise<string[]> {
    const changed = (name: string) => lstat(join(this.path, name)).then(({ mtimeMs }) => mtimeMs, ifMissing(Infinity));
    const now = await changed(versionName(newest));
    const ages = await Promise.all(drafts.map(async (name) => ({ name, age: now - (await changed(name)) })));
    return ages.filter(({ age }) => age > STALE_DRAFT).map(({ name }) => name);
  }
}

const NOTHING: Listing = { versions: [], drafts: [], hasOrigin: false };

/** Of very many, those that are looked at: the highest versions are the state, the lowest are to be removed first. */
function sorted(names: readonly string[]): Listing {
  const versions = names.map(versionNumber).filter((number) => number !== undefined);
  versions.sort((a, b) => a - b);
  if (versions.length > CROWD / 2) versions.splice(MOST_REMOVED, versions.length - MOST_REMOVED - 4 * KEPT);
  return { versions, drafts: names.filter(isDraft).slice(0, MOST_REMOVED), hasOrigin: names.includes(ORIGIN) };
}

function namesOf({ versions, drafts, hasOrigin }: Listing): string[] {
  return [...versions.map(versionName), ...drafts, ...(hasOrigin ? [ORIGIN] : [])];
}
