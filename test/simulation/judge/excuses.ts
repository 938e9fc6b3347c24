/** What the judge lets pass, because nobody could know better or it is client-go's own doing. Counted, so that none grows unseen. */
export const EXCUSES = [
  'a lease removed by hand',
  'a duration shortened by hand',
  'client-go took it early',
  'client-go renewed it without a trace',
  'client-go emptied it of a foreign holder',
  'client-go overran it',
  'a suspend hidden by a set clock',
  'a write that a forger told of before it landed',
  'a store restored from a backup',
  'a process that lived through its own exit',
  'a tick of a lease that was lost',
  'a mark far ahead of every clock',
] as const;
export type Excuse = (typeof EXCUSES)[number];
