import { type Line, WAYS } from './lines.js';

interface Span {
  readonly attempts: number;
  /** Instants between which every second counts. */
  readonly from: number;
  readonly until: number;
}

/** Prints what became of the seconds, for each way to write the job. Returns whether ours kept its word. */
export function tell(lines: readonly Line[], span: Span): boolean {
  const told = lines.filter(({ at }) => at >= span.from && at <= span.until);
  console.table(
    Object.fromEntries(WAYS.map((way) => [way, figures(way, told, span)]).filter(([, row]) => row !== undefined)),
  );
  const mine = figures('ours', told, span)!;
  const isOrdered = mine['out of order'] === 0 && mine['before its instant'] === 0;
  return isOrdered && (span.attempts === 1 ? mine['started twice'] === 0 : mine.unanswered === 0);
}

function figures(way: Line['way'], told: readonly Line[], { attempts, from, until }: Span) {
  const own = told.filter((line) => line.way === way);
  const starts = own.filter(({ event }) => event === 'start');
  if (starts.length === 0) return undefined;
  // With one attempt a tick is answered for by its start, with more by its end.
  const answers = way === 'ours' && attempts > 1 ? own.filter(({ event }) => event === 'done') : starts;
  const last = Math.max(...answers.map(({ at }) => at));
  let unanswered = 0;
  for (let at = Math.ceil(from / 1000) * 1000; at <= Math.min(last, until); at += 1000)
    if (!answers.some((answer) => at === answer.at || ((answer.previous ?? at) < at && at < answer.at))) unanswered++;
  const late = starts.map(({ at, now }) => now - at).toSorted((a, b) => a - b);
  return {
    starts: starts.length,
    'started twice': starts.length - new Set(starts.map(({ at }) => at)).size,
    unanswered,
    'out of order': starts.filter(({ at }, i) => i > 0 && at < starts[i - 1]!.at).length,
    'before its instant': late.filter((ms) => ms < 0).length,
    'late p50, ms': late[Math.floor(late.length / 2)],
    'late p90, ms': late[Math.floor(late.length * 0.9)],
  };
}
