// Readiness of a program in a Pod that shares the network of its machine, where each replica listens on a port of its own that nobody
// knows beforehand: finds the port on which process 1 listens, and asks it. Run by the kubelet, in the container.
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';

const sockets = new Set(readdirSync('/proc/1/fd').map((fd) => readlink(`/proc/1/fd/${fd}`)));
const LISTENING = '0A';
const ports = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((table) =>
  readFileSync(table, 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state, , , , , , inode]) => state === LISTENING && sockets.has(`socket:[${inode}]`))
    .map(([, address]) => parseInt(address.split(':')[1], 16)),
);
const answers = await Promise.all(ports.map((port) => fetch(`http://127.0.0.1:${port}/ready`).catch(() => undefined)));
process.exit(answers.some((answer) => answer?.ok) ? 0 : 1);

function readlink(path) {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // closed since it was listed
  }
}
