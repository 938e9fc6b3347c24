import { type ApplicationLine, monotonic } from './lines.js';
import { settings } from './settings.js';

type WithoutOrigin<L> = L extends unknown ? Omit<L, 'pod' | 't'> : never;

/** Written before it returns, as stdout is a pipe here: the last words of a process are heard, however it dies. */
export function say(line: WithoutOrigin<ApplicationLine>): void {
  process.stdout.write(`${JSON.stringify({ ...line, pod: settings.pod, t: monotonic() })}\n`);
}
