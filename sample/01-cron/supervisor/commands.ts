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
  '?': 'these keys',
} as const;

export type Command = keyof typeof COMMANDS;

type Obey = (command: Command) => void | Promise<void>;

/**
 * Keys as they are pressed on a terminal; elsewhere one command a line, each when the one before it has been carried out.
 * The end of the input is no command: the replicas run on.
 */
export function onCommand(input: NodeJS.ReadStream, obey: Obey, unknown: (text: string) => void) {
  const take = (text: string) => {
    if (Object.hasOwn(COMMANDS, text)) return obey(text as Command);
    if (text !== '') unknown(text);
  };
  if (input.isTTY) {
    readKeys(input, (key) => void take(key === '\u0003' || key === '\u0004' ? 'q' : key.trim()));
    return () => input.setRawMode(false).pause();
  }
  let previous = Promise.resolve();
  const lines = createInterface({ input }).on('line', (line) => {
    previous = previous.then(() => take(line.trim()));
  });
  return () => lines.close();
}

function readKeys(input: ReadStream, key: (key: string) => void): void {
  input
    .setRawMode(true)
    .setEncoding('utf8')
    .on('data', (keys: string) => [...keys].forEach(key));
}
