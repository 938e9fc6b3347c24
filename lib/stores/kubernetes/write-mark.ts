import type { LeaseRecord } from '../../election/lease-record.js';
import { asIncarnation, type Incarnation } from './crash/incarnation.js';
import type { LeaseObject } from './lease-object.js';

/** The annotation in which a Lease carries what its schema has no field for. */
export const WRITE_MARK = 'nestjs-leader/write';

interface WriteMark {
  readonly writeId: string | null;
  readonly term: string | null;
  readonly holder: string;
  readonly renewTime: string | null;
  /** `leaseDurationSeconds` as the holder meant it. */
  readonly duration: number;
  /** The process that wrote it, where its death can be proven. */
  readonly process?: Incarnation;
}

/** Binds the write and its term to the holder and renew time that it goes with. */
export function formatWriteMark(
  { writeId, term }: LeaseRecord,
  bound: Pick<WriteMark, 'holder' | 'renewTime' | 'duration' | 'process'>,
): string {
  return JSON.stringify({ writeId, term, ...bound } satisfies WriteMark);
}

/**
 * Who wrote what the Lease says now, as far as that is known. client-go and `kubectl` change holder or renew time and keep the
 * annotation: without this comparison a Lease blanked by them would pass for a release by the holder's own term.
 */
export function readWriteMark(lease: LeaseObject): { writeId: string | null; term: string | null; duration: unknown } {
  const mark = markOf(lease);
  return mark === null
    ? { writeId: null, term: null, duration: 0 }
    : { writeId: text(mark.writeId), term: text(mark.term), duration: mark.duration };
}

/** The process that holds the Lease, if it has said so: void under another holder, as all of the mark. */
export function readProcess(lease: LeaseObject): Incarnation | null {
  return asIncarnation(markOf(lease)?.process);
}

function markOf(lease: LeaseObject): Partial<Record<keyof WriteMark, unknown>> | null {
  const mark = parse(lease.metadata.annotations?.[WRITE_MARK]);
  const spec = lease.spec ?? {};
  const isVoid =
    !mark || mark.holder !== (spec.holderIdentity ?? '') || (mark.renewTime ?? null) !== (spec.renewTime ?? null);
  return isVoid ? null : mark;
}

function parse(annotation: unknown): Partial<Record<keyof WriteMark, unknown>> | null {
  if (typeof annotation !== 'string') return null;
  try {
    const mark: unknown = JSON.parse(annotation);
    return typeof mark === 'object' ? mark : null;
  } catch {
    // Edited by hand: as good as no mark.
    return null;
  }
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : null);
