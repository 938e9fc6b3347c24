import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { describe, expect, it } from 'vitest';
import { pages, ROOT, type CodeBlock } from './pages.js';

/** Files that the compiler checks and a test runs. What a page shows is copied from them, and this test keeps it so. */
const SOURCES = [
  'test/docs/examples',
  'test/nest',
  'test/postgres',
  'test/simulation',
  'test/contract',
  'test/e2e/fleet/programs',
  'sample',
];

const sources = SOURCES.flatMap((folder) =>
  readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|sql|yaml)$/.test(file) && !/(^|\/)(dist|node_modules)\//.test(file))
    .map((file) => normalised(importsApart(readFileSync(join(ROOT, folder, file), 'utf8')))),
);

/** Indentation and line breaks differ between a page and a file; nothing else may. */
function normalised(code: string): string {
  return code
    .replaceAll(/\s+/g, ' ')
    .replaceAll(/ ?([()[\]{}<>;,]) ?/g, '$1')
    .replaceAll(/,(?=[)\]}]|$)/g, '')
    .trim();
}

/** `...` on a line of its own, or in a comment, leaves something out. */
function parts(text: string): string[] {
  return text
    .split(/^\s*(?:\/\/ |# )?\.\.\.\s*$/m)
    .map(normalised)
    .filter((part) => part !== '');
}

/** One import a name: a page shows the names that it needs, the file has those of all its examples in one. */
function importsApart(code: string): string {
  return code.replaceAll(/^import \{([^}]*)\} from ('[^']*');$/gm, (_, names: string, from: string) => {
    const named = names.split(',').filter((name) => name.trim() !== '');
    return named.map((name) => `import { ${name} } from ${from};\n...\n`).join('');
  });
}

function standsInATest(text: string): boolean {
  return sources.some((source) => parts(importsApart(text)).every((part) => source.includes(part)));
}

/** Of a diff, what our side looks like: lines that are added or stay. */
function afterDiff(text: string): string {
  const lines = text.split('\n').filter((line) => !line.startsWith('-'));
  return lines.map((line) => line.replace(/^[+ ]/, '')).join('\n');
}

const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const NPM_COMMANDS = new Set(['ci', 'cit', 'install', 'i', 'test', 'start', 'pack', 'publish', 'version']);

function npmScriptsOf(text: string): string[] {
  const run = [...text.matchAll(/\bnpm (?:run )?(?:-s )?([a-z][\w:-]*)/g)].map((match) => match[1]!);
  return run.filter((name) => !NPM_COMMANDS.has(name));
}

function checkShell({ text, where }: CodeBlock): void {
  const missing = npmScriptsOf(text).filter((name) => !(name in scripts));
  expect(missing, `${where} names scripts that are not there`).toEqual([]);
}

const CHECKS: Record<string, (block: CodeBlock) => void> = {
  ts: ({ text, where }) => expect(standsInATest(text), `${where} stands in no file of test/docs/examples`).toBe(true),
  sql: ({ text, where }) => expect(standsInATest(text), `${where} stands in no file of test/docs/examples`).toBe(true),
  diff: ({ text, where }) =>
    expect(standsInATest(afterDiff(text)), `${where}, its new side, stands in no file of test/docs/examples`).toBe(
      true,
    ),
  yaml: ({ text, where }) => {
    for (const document of parseAllDocuments(text)) expect(document.errors, where).toEqual([]);
  },
  json: ({ text }) => void JSON.parse(text),
  sh: checkShell,
  console: checkShell,
};
// Pictures and output: nothing to run.
const PLAIN = new Set(['', 'text', 'http', 'promql']);

describe.each(pages)('$path', (page) => {
  it('shows only code that a test runs', () => {
    for (const block of page.codeBlocks) {
      if (PLAIN.has(block.language)) continue;
      expect(CHECKS, `${block.where}: nobody checks ${block.language}`).toHaveProperty(block.language);
      CHECKS[block.language]!(block);
    }
  });
});

describe('npm scripts', () => {
  it('that pages name exist', () => {
    const named = pages.flatMap((page) => {
      const inline = [...readFileSync(join(ROOT, page.path), 'utf8').matchAll(/`npm run ([\w:-]+)/g)];
      return inline.map((match) => ({ page: page.path, script: match[1]! }));
    });
    expect(named.filter(({ script }) => !(script in scripts))).toEqual([]);
  });
});
