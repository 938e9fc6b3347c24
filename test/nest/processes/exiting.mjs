// One elector on a Kubernetes Lease, run from the built package, that ends its process in the way that its argument names.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { LeaderElector, kubernetesLease } from 'nestjs-leader';

const { port, certificate, way, releaseOnExit, after } = JSON.parse(process.argv[2]);
const tell = (line) => process.stdout.write(`@${line}\n`);

const kubeConfig = {
  getCurrentContext: () => 'fake',
  getContextObject: () => ({ namespace: 'default' }),
  getCurrentCluster: () => ({ server: `https://127.0.0.1:${port}` }),
  async applyToHTTPSOptions(options) {
    options.ca = certificate;
    options.headers = { Authorization: 'Bearer secret' };
  },
};
const log = (line) => tell(`log ${line}`);
const elector = new LeaderElector({
  options: {
    leaseName: 'orders',
    store: kubernetesLease({ kubeConfig, events: false }),
    leaseDuration: 3000,
    renewDeadline: 2000,
    renewInterval: 1000,
    releaseOnExit,
  },
  log: { log, warn: log, error: log },
});

/** Exits, has a listener of somebody else throw, and lives on. */
function caught(listen) {
  process[listen]('exit', () => {
    throw new Error('a listener of somebody else');
  });
  try {
    process.exit(1);
  } catch {
    tell('caught');
  }
}

const WAYS = {
  exit: () => process.exit(1),
  uncaught: () => {
    throw new Error('uncaught');
  },
  rejection: () => void Promise.reject(new Error('unhandled')),
  worker: async () => {
    await once(new Worker('setInterval(() => {}, 1000)', { eval: true }), 'online');
    process.exit(1);
  },
  'new worker': () => {
    void new Worker('setInterval(() => {}, 1000)', { eval: true });
    process.exit(1);
  },
  'worker gone': async () => {
    await once(new Worker('', { eval: true }), 'exit');
    process.exit(1);
  },
  child: () => {
    const child = spawn('sleep', ['1'], { stdio: 'ignore' });
    child.unref();
    process.exit(1);
  },
  'child gone': async () => {
    await once(spawn('true'), 'exit');
    process.exit(1);
  },
  'no such child': async () => {
    await once(spawn('/no/such/program'), 'error');
    process.exit(1);
  },
  emit: () => process.emit('exit', 0),
  'exit in a worker': () => void new Worker('process.exit(1)', { eval: true }),
  'caught before ours': () => caught('prependOnceListener'),
  'caught by a listener that came later': () => caught('once'),
  'caught after ours': async () => {
    // Moves ours to the end first, as the next renewal does.
    process.once('exit', () => {});
    await new Promise((resolve) => setTimeout(resolve, 1500));
    const { emit } = process;
    process.emit = (name, ...rest) => {
      const told = emit.call(process, name, ...rest);
      if (name === 'exit') throw new Error('as signal-exit does');
      return told;
    };
    try {
      process.exit(1);
    } catch {
      process.emit = emit;
      tell('caught');
    }
  },
  last: () => {
    process.on('exit', () => {});
    process.exit(1);
  },
};

elector.term$.subscribe((term) => {
  tell(term === null ? 'ends' : `leads ${term.fencingToken}`);
});
await elector.start();
await elector.whenLeader();
await new Promise((resolve) => setTimeout(resolve, after));
tell(`status ${elector.status().releaseAtExit}`);
await WAYS[way]();
