import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import type { ProvesDeath } from '../world/lease-client.js';
import type { NewElection } from '../world/replica.js';
import type { Mutant } from './mutants.js';

const SOURCE = 'lib';
/** What is copied of it. Patches name files of the election alone, or from `stores/` on. */
const PARTS = ['election/', 'stores/kubernetes/crash/'];
/** Inside the project, so that the copy finds rxjs. */
const COPIES = '.cache/mutants';

/** Compiles a copy of the election with the patches in it. Run from the root of the project; the library itself knows nothing of this. */
export async function mutate({ bug, patches }: Pick<Mutant, 'bug' | 'patches'>): Promise<NewElection> {
  const folder = join(COPIES, `${process.pid}-${bug.replace(/\W+/g, '-')}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const files = readdirSync(SOURCE, { recursive: true, encoding: 'utf8' }).filter(
    (file) => file.endsWith('.ts') && PARTS.some((part) => file.startsWith(part)),
  );
  const place = (file: string) => (file.startsWith('stores/') ? file : `election/${file}`);
  const missing = patches.find((p) => !files.includes(place(p.file)));
  if (missing !== undefined) throw new Error(`The mutant "${bug}" patches ${missing.file}, which is gone.`);
  for (const file of files) {
    const patched = patches
      .filter((p) => place(p.file) === file)
      .reduce((text, p) => apply(bug, text, p), readFileSync(join(SOURCE, file), 'utf8'));
    const { outputText } = ts.transpileModule(patched, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, useDefineForClassFields: false },
    });
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file.replace(/\.ts$/, '.js')), outputText);
  }
  try {
    const load = (file: string): Promise<unknown> =>
      import(/* @vite-ignore */ pathToFileURL(join(process.cwd(), folder, file)).href);
    const { LeaderElector } = (await load('election/elector.js')) as {
      LeaderElector: new (setup: Parameters<NewElection>[0]) => ReturnType<NewElection>;
    };
    const { provesDeath } = (await load('stores/kubernetes/crash/proof-of-death.js')) as {
      provesDeath: ProvesDeath;
    };
    return Object.assign((setup: Parameters<NewElection>[0]) => new LeaderElector(setup), { provesDeath });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A patch that no longer fits must not pass for a mutant that was caught. How its text is broken into lines does not matter. */
function apply(bug: string, text: string, { file, find, replace }: Mutant['patches'][number]): string {
  const escaped = find.trim().replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
  const pattern = new RegExp(escaped.replace(/\s+/g, '\\s+'), 'g');
  const found = text.match(pattern)?.length ?? 0;
  if (found !== 1)
    throw new Error(`The mutant "${bug}" does not fit ${file} any more (found ${found} times): adapt it.`);
  return text.replace(pattern, () => replace);
}
