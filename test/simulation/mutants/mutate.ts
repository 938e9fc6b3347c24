import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import ts from 'typescript';
import type { NewElection } from '../world/replica.js';
import type { Mutant } from './mutants.js';

const SOURCE = 'lib/election';
/** Inside the project, so that the copy finds rxjs. */
const COPIES = '.cache/mutants';

/** Compiles a copy of the election with the patches in it. Run from the root of the project; the library itself knows nothing of this. */
export async function mutate({ bug, patches }: Pick<Mutant, 'bug' | 'patches'>): Promise<NewElection> {
  const folder = join(COPIES, `${process.pid}-${bug.replace(/\W+/g, '-')}`);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const missing = patches.filter((p) => !readdirSync(SOURCE).includes(p.file));
  if (missing.length > 0) throw new Error(`The mutant "${bug}" patches ${missing[0]!.file}, which is gone.`);
  for (const file of readdirSync(SOURCE)) {
    const patched = patches
      .filter((p) => p.file === file)
      .reduce((text, p) => apply(bug, text, p), readFileSync(join(SOURCE, file), 'utf8'));
    const { outputText } = ts.transpileModule(patched, {
      compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023, useDefineForClassFields: false },
    });
    writeFileSync(join(folder, file.replace(/\.ts$/, '.js')), outputText);
  }
  try {
    const { LeaderElector } = (await import(
      /* @vite-ignore */ pathToFileURL(join(process.cwd(), folder, 'elector.js')).href
    )) as {
      LeaderElector: new (setup: Parameters<NewElection>[0]) => ReturnType<NewElection>;
    };
    return (setup) => new LeaderElector(setup);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A patch that no longer fits must not pass for a mutant that was caught. */
function apply(bug: string, text: string, { file, find, replace }: Mutant['patches'][number]): string {
  const squeeze = (code: string) => code.replace(/\s+/g, ' ');
  const pieces = text.split(find);
  if (pieces.length === 2) return pieces.join(replace);
  const at = squeeze(text).split(squeeze(find)).length - 1;
  throw new Error(
    `The mutant "${bug}" does not fit ${file} any more (found ${pieces.length - 1} times, ${at} if spaces are ignored): adapt it.`,
  );
}
