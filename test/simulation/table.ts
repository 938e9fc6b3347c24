/** Tables as the docs have them. */
export const at = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
export const seconds = (ms: number): string => (ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`);
export const row = (...cells: (string | number)[]): void => console.log(`| ${cells.join(' | ')} |`);
export function head(title: string, ...cells: string[]): void {
  console.log(`\n### ${title}\n`);
  row(...cells);
  row(...cells.map(() => '---'));
}
