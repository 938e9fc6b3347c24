import { cpus, totalmem } from 'node:os';

export interface Figure {
  readonly what: string;
  readonly samples: readonly number[];
  readonly unit: 'ns' | 'ms' | 's' | 'MiB' | '';
  /** The median must stay below it. */
  readonly target?: number;
}

/** Prints figures as a table: n, median and spread, so that a lucky run shows. Returns how many missed their target. */
export function printFigures(figures: readonly Figure[]): number {
  const rows = figures.map(({ what, samples, unit, target }) => {
    const at = (q: number) => quantile(samples, q);
    const verdict = target === undefined ? '' : at(0.5) < target ? `< ${target}: yes` : `< ${target}: NO`;
    return [what, String(samples.length), ...[0.5, 0.1, 0.9, 0, 1].map((q) => `${round(at(q))} ${unit}`), verdict];
  });
  printTable([['', 'n', 'median', 'p10', 'p90', 'min', 'max', 'target'], ...rows]);
  return rows.filter((row) => row[7]!.endsWith('NO')).length;
}

/** In columns: the first to the left, numbers to the right. */
export function printTable(table: readonly (readonly string[])[]): void {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  for (const row of table) {
    const cells = row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)));
    console.log(cells.join('  ').trimEnd());
  }
}

/** Median, and from the least to the most of several. */
export function inShort(samples: readonly number[]): string {
  const [least, most] = [round(Math.min(...samples)), round(Math.max(...samples))];
  return least === most ? least : `${round(quantile(samples, 0.5))} (${least}-${most})`;
}

export function printMachine(): void {
  const memory = Math.round(totalmem() / 2 ** 30);
  console.log(`Node ${process.version}, ${process.platform} ${process.arch}, ${cpus().length} cores, ${memory} GiB\n`);
}

export function quantile(samples: readonly number[], q: number): number {
  const sorted = samples.toSorted((a, b) => a - b);
  const position = (sorted.length - 1) * q;
  const below = sorted[Math.floor(position)]!;
  return below + (sorted[Math.ceil(position)]! - below) * (position % 1);
}

/** Three digits, and never more than two after the point. */
function round(value: number): string {
  return value.toFixed(Math.abs(value) < 10 ? 2 : Math.abs(value) < 100 ? 1 : 0);
}
