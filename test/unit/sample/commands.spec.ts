import { PassThrough } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { expect, it, onTestFinished } from 'vitest';
import { onCommand, type Command } from '../../../sample/01-cron/supervisor/commands.js';

/** Commands from a pipe, each of which is at work until the test says that it is done. */
function pipe() {
  const input = new PassThrough();
  const obeyed: string[] = [];
  let done!: () => void;
  const obey = (command: Command) => {
    obeyed.push(command);
    return new Promise<void>((resolve) => (done = resolve));
  };
  onTestFinished(onCommand(input as never, obey, (text) => void obeyed.push(`unknown: ${text}`)));
  return { input, obeyed, done: () => done() };
}

const linesRead = async () => {
  for (let turn = 0; turn < 5; turn++) await setImmediate();
};

it('takes piped commands one after the other: a quit that was sent early does not overtake the kill', async () => {
  const { input, obeyed, done } = pipe();
  input.end('k\n\nq\n');
  await linesRead();
  expect(obeyed).toEqual(['k']);
  done();
  await linesRead();
  expect(obeyed).toEqual(['k', 'q']);
});

it('takes the end of a pipe for no command, and what Object inherits for none either', async () => {
  const { input, obeyed } = pipe();
  input.end('toString\n');
  await linesRead();
  expect(obeyed).toEqual(['unknown: toString']);
});
