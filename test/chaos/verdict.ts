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
  for (const second of unanswered('ours', told, span)) {
    console.log(`\nnobody has answered for ${second}:`);
    for (const line of lines)
      if (line.way === 'ours' && Math.abs(line.at - second) <= 6000) console.log(JSON.stringify(line));
  }
  const isOrdered = mine['out of order'] === 0 && mine['before its instant'] === 0;
  return isOrdered && (span.attempts === 1 ? mine['started twice'] === 0 : mine.unanswered === 0);
}

function unanswered(way: Line['way'], told: readonly Line[], { attempts, from, until }: Span): number[] {
  // With one attempt a tick is answered for by its start, with more by its end.
  const event = way === 'ours' && attempts > 1 ? 'done' : 'start';
  const answers = told.filter((line) => line.way === way && line.event === event);
  const [first, last] = [Math.min(...answers.map(({ at }) => at)), Math.max(...answers.map(({ at }) => at))];
  // Before the first answer there was none to name; after it, `null` would have forgotten one.
  const since = ({ at, previous }: Line): number => previous ?? (at === first ? 0 : at);
  const seconds: number[] = [];
  for (let at = Math.ceil(from / 1000) * 1000; at <= Math.min(last, until); at += 1000)
    if (!answers.some((answer) => at === answer.at || (since(answer) < at && at < answer.at))) seconds.push(at);
  return seconds;
}

function figures(way: Line['way'], told: readonly Line[], span: Span) {
  const starts = told.filter((line) => line.way === way && line.event === 'start');
  if (starts.length === 0) return undefined;
  const late = starts.map(({ at, now }) => now - at).toSorted((a, b) => a - b);
  return {
    starts: starts.length,
    'started twice': starts.length - new Set(starts.map(({ at }) => at)).size,
    unanswered: unanswered(way, told, span).length,
    'out of order': starts.filter(({ at }, i) => i > 0 && at < starts[i - 1]!.at).length,
    'before its instant': late.filter((ms) => ms < 0).length,
    'late p50, ms': late[Math.floor(late.length / 2)],
    'late p90, ms': late[Math.floor(late.length * 0.9)],
  };
}
