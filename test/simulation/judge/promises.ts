export const PROMISES = {
  S1: 'P1 never two believers',
  S2: 'P2 tokens only grow',
  S3: 'P2 no two terms share a token',
  S4: 'P4 nobody else’s lease is touched or taken early',
  S5: 'P1 the gate shuts, then the signal aborts, then leadership$ says false; notices alternate',
  P3: 'P3 work stops before the lease is let go',
  L1: 'P5 it always comes back',
  L3: 'P5 no term is given up without cause',
  L2: 'P6 handover in a heartbeat',
  C1: 'P7 requests stay within the budget',
  T1: 'T1 with one attempt no tick starts twice',
  T2: 'T2 every tick is answered for',
  T3: 'T3 ticks start in the order of their instants',
  T4: 'T4 no tick starts before its instant',
  H1: 'status() and the log tell what fails, for as long as it does',
  H: 'the same seed gives the same history',
  E: 'no error escapes',
} as const;
export type Promise_ = keyof typeof PROMISES;

export interface Breach {
  promise: Promise_;
  what: string;
  at: number;
}
