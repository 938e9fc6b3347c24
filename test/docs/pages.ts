import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

export interface CodeBlock {
  readonly language: string;
  readonly text: string;
  /** `docs/page.md:12`, where an editor jumps to. */
  readonly where: string;
}

export interface Link {
  readonly target: string;
  readonly where: string;
}

/** One Markdown file that people read. */
export class Page {
  private readonly lines: readonly string[];

  constructor(readonly path: string) {
    this.lines = readFileSync(join(ROOT, path), 'utf8').split('\n');
  }

  get codeBlocks(): CodeBlock[] {
    const blocks: CodeBlock[] = [];
    let open: { language: string; from: number } | undefined;
    for (const [index, line] of this.lines.entries()) {
      const fence = /^\s*```(\S*)/.exec(line);
      if (!fence) continue;
      if (open === undefined) {
        open = { language: fence[1]!, from: index };
      } else {
        const text = this.lines.slice(open.from + 1, index).join('\n');
        blocks.push({ language: open.language, text, where: this.at(open.from) });
        open = undefined;
      }
    }
    return blocks;
  }

  get links(): Link[] {
    return this.prose.flatMap(({ line, index }) =>
      [...line.matchAll(/\]\(([^)\s]+)\)/g), ...line.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => {
        return { target: match[1]!, where: this.at(index) };
      }),
    );
  }

  /** Those that GitHub makes of headings. */
  get anchors(): Set<string> {
    const headings = this.prose.flatMap(({ line }) => /^#+ (.*)$/.exec(line)?.[1] ?? []);
    const slug = (heading: string) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_ -]/gu, '')
        .replaceAll(' ', '-');
    return new Set(headings.map(slug));
  }

  /** Of a link that stays within the repository: the file from its root, and the anchor in it. */
  resolve(target: string): { path: string; anchor?: string } {
    const [path, anchor] = target.split('#');
    const file = path === '' ? this.path : relative(ROOT, resolve(ROOT, dirname(this.path), path!));
    return { path: file, ...(anchor && { anchor }) };
  }

  private get prose(): { line: string; index: number }[] {
    let inCode = false;
    return [...this.lines.entries()].flatMap(([index, line]) => {
      const fence = /^\s*```/.test(line);
      if (fence) inCode = !inCode;
      return fence || inCode ? [] : [{ line: line.replaceAll(/`[^`]*`/g, 'code'), index }];
    });
  }

  private at(index: number): string {
    return `${this.path}:${index + 1}`;
  }
}

function markdownIn(folder: string, recursive = true): string[] {
  const files = readdirSync(join(ROOT, folder), { recursive, encoding: 'utf8' });
  return files
    .filter((file) => file.endsWith('.md') && !file.includes('node_modules'))
    .map((file) => join(folder, file));
}

/** All pages but the generated reference. */
export const pages: readonly Page[] = [...markdownIn('.', false), ...markdownIn('docs'), ...markdownIn('sample')]
  .filter((path) => !path.startsWith('docs/api/'))
  .map((path) => new Page(path));
