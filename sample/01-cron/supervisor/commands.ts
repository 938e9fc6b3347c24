import { createInterface } from 'node:readline';
import type { ReadStream } from 'node:tty';

export const COMMANDS = {
  k: 'kill the leader (SIGKILL)',
  t: 'terminate it (SIGTERM)',
  p: 'pause it (SIGSTOP)',
  r: 'resume (SIGCONT)',
  s: 'step down',
  '+': 'add a replica',
  q: 'quit',
} as const;

export type Command = keyof typeof COMMANDS;

/** Keys as they are pressed on a terminal; elsewhere one command a line. The end of the input is no command: the replicas run on. */
export function onCommand(input: NodeJS.ReadStream, obey: (command: Command) => void, unknown: (text: string) => void) {
  const take = (text: string) => {
    if (text in COMMANDS) obey(text as Command);
    else if (text !== '') unknown(text);
  };
  if (input.isTTY) {
    readKeys(input, (key) => take(key === '\u0003' || key === '\u0004' ? 'q' : key.trim()));
    return () => input.setRawMode(false).pause();
  }
  const lines = createInterface({ input }).on('line', (line) => take(line.trim()));
  return () => lines.close();
}

function readKeys(input: ReadStream, key: (key: string) => void): void {
  input
    .setRawMode(true)
    .setEncoding('utf8')
    .on('data', (keys: string) => [...keys].forEach(key));
}
