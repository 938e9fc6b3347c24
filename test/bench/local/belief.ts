/** A stretch in which one replica answered "I lead", on the monotonic clock that all processes of a machine share. */
export interface Belief {
  readonly token: string;
  /** The first such answer was given no later than this. */
  readonly from: number;
  /** The last such answer was asked for no earlier than this. */
  readonly to: number;
}

export const now = (): number => Number(process.hrtime.bigint()) / 1e6;

/** Pairs of beliefs of different terms that were certainly held at the same time. */
export function overlaps(beliefs: readonly Belief[]): [Belief, Belief][] {
  return beliefs.flatMap((a, i) =>
    beliefs
      .slice(i + 1)
      .filter((b) => a.token !== b.token && a.from < b.to && b.from < a.to)
      .map((b): [Belief, Belief] => [a, b]),
  );
}
