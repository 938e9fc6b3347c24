import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LeaderElector } from '../../lib/election/elector.js';
import { LeaderElectionConfigError } from '../../lib/election/errors.js';
import type { LeaseRecord } from '../../lib/election/lease-record.js';
import { decode } from '../../lib/stores/file/codec.js';
import { decodeLease, encodeLease } from '../../lib/stores/kubernetes/codec.js';
import { isLease, type LeaseObject } from '../../lib/stores/kubernetes/lease-object.js';
import { lines } from '../../lib/stores/kubernetes/api/lines.js';
import { formatMicroTime, parseMicroTime } from '../../lib/stores/kubernetes/micro-time.js';
import { memoryLease } from '../../lib/stores/memory/index.js';

// One seed for all runs: what fails here fails again.
const RUNS = { seed: 1, numRuns: 500 };
const json = fc.jsonValue();
const instant = fc.integer({ min: 0, max: Date.UTC(2200, 0, 1) });
const text = fc.string({ unit: 'binary' });

function aRecord(record: LeaseRecord): void {
  expect(record.holder === null || (typeof record.holder === 'string' && record.holder !== '')).toBe(true);
  expect(Number.isFinite(record.duration) && record.duration >= 0).toBe(true);
  for (const time of [record.acquiredAt, record.renewedAt]) expect(time === null || Number.isFinite(time)).toBe(true);
  expect(Number.isInteger(record.transitions) && record.transitions >= 0).toBe(true);
}

describe('whatever anybody wrote into a lease', () => {
  it('is read as a sound record, or not taken for a Lease', () => {
    const metadata = fc.record({ uid: fc.constant('u'), resourceVersion: fc.constant('7'), annotations: json });
    const spec = fc.record(
      { holderIdentity: json, leaseDurationSeconds: json, acquireTime: json, renewTime: json, leaseTransitions: json },
      { requiredKeys: [] },
    );
    const shaped = fc.record({
      kind: fc.constant('Lease'),
      apiVersion: fc.constant('coordination.k8s.io/v1'),
      metadata,
      spec: fc.oneof(spec, json),
    });
    fc.assert(
      fc.property(fc.oneof(shaped, json), (value) => {
        if (isLease(value)) aRecord(decodeLease(value));
      }),
      RUNS,
    );
  });

  it('comes back from the wire as it went, to the microsecond', () => {
    const id = fc.string({ minLength: 1, maxLength: 40 });
    const record: fc.Arbitrary<LeaseRecord> = fc.record({
      holder: fc.oneof(id, fc.constant(null)),
      duration: fc.integer({ min: 1, max: 100_000 }).map((s) => s * 1000),
      acquiredAt: instant,
      renewedAt: instant,
      transitions: fc.nat(1e6),
      term: fc.uuid(),
      writeId: fc.uuid(),
    });
    fc.assert(
      fc.property(record, (before) => {
        const wire = JSON.parse(
          JSON.stringify(encodeLease(null, { name: 'a', namespace: 'b' }, before)),
        ) as LeaseObject;
        expect(decodeLease(wire)).toEqual(before);
      }),
      RUNS,
    );
  });

  it('has times in the only format that the API server takes', () => {
    fc.assert(
      fc.property(instant, fc.integer({ min: 0, max: 999 }), (ms, micros) => {
        const time = (ms * 1000 + micros) / 1000;
        expect(formatMicroTime(time)).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
        expect(parseMicroTime(formatMicroTime(time))).toBeCloseTo(time, 2);
      }),
      RUNS,
    );
  });

  it('is a file that is read whole or not at all', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          text,
          json.map((value) => JSON.stringify({ format: 1, ...(value as object) })),
        ),
        (content) => {
          const file = decode(content);
          if (file) aRecord(file.record);
        },
      ),
      RUNS,
    );
  });
});

describe('a watch', () => {
  it('is cut into the same lines wherever the network cuts it', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text), fc.array(fc.nat(50)), async (parts, cuts) => {
        const whole = `${parts.join('\n')}\n`;
        const read = async (pieces: string[]): Promise<string[]> => {
          const got: string[] = [];
          for await (const line of lines(pieces as unknown as AsyncIterable<string>)) got.push(line);
          return got;
        };
        const pieces: string[] = [];
        let rest = whole;
        for (const cut of cuts) {
          pieces.push(rest.slice(0, cut));
          rest = rest.slice(cut);
        }
        expect(await read([...pieces, rest])).toEqual(await read([whole]));
      }),
      RUNS,
    );
  });
});

describe('options', () => {
  it('make an elector or a configuration error, never anything else', () => {
    const any = fc.oneof(json, fc.double(), fc.integer(), fc.constant(undefined));
    const durations = [
      'leaseDuration',
      'renewDeadline',
      'retryPeriod',
      'renewInterval',
      'requestTimeout',
      'takeoverGrace',
      'drainTimeout',
    ];
    const options = fc.record(
      Object.fromEntries([...durations, 'fencingEpoch', 'leaseName', 'identity'].map((name) => [name, any])),
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(options, (given) => {
        try {
          const { timings } = new LeaderElector({
            options: { leaseName: 'a', store: memoryLease(), ...given } as never,
          });
          expect(timings.renewDeadline).toBeLessThan(timings.leaseDuration);
        } catch (error) {
          expect(error).toBeInstanceOf(LeaderElectionConfigError);
        }
      }),
      RUNS,
    );
  });
});
