/** Seeds that once broke a promise, or came close: they run first, forever. A change of the swarm moves what they play, the notes stay. */
export const CORPUS: readonly { seed: number; note: string }[] = [
  { seed: 3, note: 'a watch that never told anything was never reopened: its standby polled forever (P7)' },
  { seed: 4540, note: 'the same, seen as a takeover that came one poll late (P6)' },
  { seed: 753, note: 'lease deleted under a holder that the former holder had not seen: outside P1, tokens hold' },
  { seed: 221, note: 'a renewal that is confirmed by reading it back' },
  {
    seed: 8830,
    note: 'stopped with a claim in flight while work of an expired term winds down: the claim is let go (P3)',
  },
  {
    seed: 88816,
    note: 'stopped with a claim in flight on what its expired term had left: that was let go while work still ran (P3)',
  },
  { seed: 94036, note: 'client-go empties the lease of one of ours that the taker has never seen hold it (P4)' },
  { seed: 117831, note: 'deleted, made again and deleted again, seen by nobody: outside P1, tokens hold' },
  { seed: 32179, note: 'a claim under way for longer than the lease has lived: outside P1, tokens hold' },
  { seed: 33574, note: 'a duration shortened by hand, then the lease deleted: outside P1, tokens hold' },
  { seed: 8122, note: 'client-go empties the lease of somebody who stole it: to all others a release' },
  {
    seed: 265727,
    note: 'suspended with a claim in flight, its wall set back by as much: the answer began a term that was over (P2)',
  },
  {
    seed: 375441,
    note: 'client-go paused for longer than its lease, with a renewal under way, believes the late answer: its own doing',
  },
  {
    seed: 598884,
    note: 'a lease deleted after a single write, whose longer duration its taker never saw: outside P1, tokens hold',
  },
  { seed: 647693, note: 'a thief’s lease deleted, news of both under way with the claim: outside P1, tokens hold' },
  {
    seed: 819980,
    note: 'stopped twice in a minute in an outage: each release asked ten times a second for four seconds (P7)',
  },
  { seed: 900036394, note: 'a forger who rings while the store refuses writes: two requests for each ring (P7)' },
  { seed: 900068136, note: 'the same, by forged absences' },
  {
    seed: 900024422,
    note: 'events put off the read that was owed since one failed: health told of an outage long over',
  },
  {
    seed: 910019651,
    note: 'durations edited before a deletion and after it: the first edit spoke for the new lease (P4)',
  },
  {
    seed: 910086332,
    note: 'a store that went back and tells ages: the lease was given the age of its last read, twice (P4)',
  },
  {
    seed: 920094018,
    note: 'an edit that named another holder, with a shorter duration, opened the lease of one who led (P1)',
  },
  { seed: 920118837, note: 'a quiet lease reopened the watch that the store had asked to leave alone (P7)' },
  {
    seed: 1200015829,
    note: 'marks set back, then a restore to before: older marks were believed, ticks ran out of order (T3)',
  },
  {
    seed: 1200130268,
    note: 'a claim made while every clock was an hour ahead never started, and what fell due before it was lost (T2)',
  },
  { seed: 1200099852, note: 'the release left a claim in the lease that its lost answer had hidden (T2)' },
];
