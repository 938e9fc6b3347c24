import { execFileSync } from 'node:child_process';
import { repository } from '../../e2e/repository.js';

/** What an import takes in a process that has loaded Nest already, as every Nest application has. */
export interface ImportCost {
  /** Milliseconds of processor time. */
  readonly cpu: number;
  /** MiB of live objects. */
  readonly heap: number;
  /** MiB. */
  readonly rss: number;
}

const SCRIPT = `
  import { createRequire } from 'node:module';
  import { pathToFileURL } from 'node:url';
  const cost = async (load) => {
    gc();
    const [cpu, memory] = [process.cpuUsage(), process.memoryUsage()];
    await load();
    const { user, system } = process.cpuUsage(cpu);
    gc();
    const { heapUsed, rss } = process.memoryUsage();
    return { cpu: (user + system) / 1e3, heap: (heapUsed - memory.heapUsed) / 2 ** 20, rss: (rss - memory.rss) / 2 ** 20 };
  };
  const nest = await cost(async () => {
    for (const name of ['reflect-metadata', '@nestjs/common', '@nestjs/core']) await import(name);
  });
  const [name, from] = process.argv.slice(1);
  const file = from && createRequire(from + '/package.json').resolve(name);
  console.log(JSON.stringify(name ? await cost(() => import(file ? pathToFileURL(file).href : name)) : nest));`;

/** In a fresh process. @param name of the package; none: Nest itself @param folder where it is installed; none: here */
export function importCost(name?: string, folder?: string): ImportCost {
  const args = [
    '--expose-gc',
    '--input-type=module',
    '-e',
    SCRIPT,
    ...[name, folder].filter((arg) => arg !== undefined),
  ];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: repository, encoding: 'utf8' })) as ImportCost;
}
