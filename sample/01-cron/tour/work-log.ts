import { readFileSync } from 'node:fs';

interface Entry {
  readonly job: string;
  readonly token: string;
  readonly pid: number;
}

/** Reads a work log and counts its terms. Throws at the first entry of an older term than one before it, or of one term in two processes. */
export function checkWorkLog(file: string): { entries: number; tokens: bigint[] } {
  const entries = readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Entry);
  const tokens: bigint[] = [];
  const owner = new Map<bigint, number>();
  for (const [i, entry] of entries.entries()) {
    const token = BigInt(entry.token);
    const newest = tokens.at(-1);
    if (newest !== undefined && token < newest) throw new Error(`entry ${i + 1} has token ${token} after ${newest}`);
    if (owner.has(token) && owner.get(token) !== entry.pid) throw new Error(`token ${token} was used by two processes`);
    if (token !== newest) tokens.push(token);
    owner.set(token, entry.pid);
  }
  return { entries: entries.length, tokens };
}
