/** Seeds that once broke a promise, or came close: they run first, for ever. A change of the swarm moves what they play, the notes stay. */
export const CORPUS: readonly { seed: number; note: string }[] = [
  { seed: 3, note: 'a watch that never told anything was never reopened: its standby polled for ever (P7)' },
  { seed: 4540, note: 'the same, seen as a takeover that came one poll late (P6)' },
  { seed: 753, note: 'lease deleted under a holder that the former holder had not seen: outside P1, tokens hold' },
  { seed: 221, note: 'a renewal that is confirmed by reading it back' },
  {
    seed: 8830,
    note: 'stopped with a claim in flight while work of an expired term winds down: the claim is let go (P3)',
  },
];
