import type { LeaseRecord } from '../../election/lease-record.js';
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
}

/** Binds the write and its term to the holder and renew time that it goes with. */
export function formatWriteMark(
  { writeId, term }: LeaseRecord,
  bound: Pick<WriteMark, 'holder' | 'renewTime' | 'duration'>,
): string {
  return JSON.stringify({ writeId, term, ...bound } satisfies WriteMark);
}

/**
 * Who wrote what the Lease says now, as far as that is known. client-go and `kubectl` change holder or renew time and keep the
 * annotation: without this comparison a Lease blanked by them would pass for a release by the holder's own term.
 */
export function readWriteMark(lease: LeaseObject): { writeId: string | null; term: string | null; duration: unknown } {
  const mark = parse(lease.metadata.annotations?.[WRITE_MARK]);
  const spec = lease.spec ?? {};
  const voided =
    !mark || mark.holder !== (spec.holderIdentity ?? '') || (mark.renewTime ?? null) !== (spec.renewTime ?? null);
  return voided
    ? { writeId: null, term: null, duration: 0 }
    : { writeId: text(mark.writeId), term: text(mark.term), duration: mark.duration };
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
