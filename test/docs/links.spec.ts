import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Page, pages, ROOT } from './pages.js';

describe.each(pages)('$path', (page) => {
  it('links to files and headings that exist', () => {
    const broken = page.links.filter(({ target }) => !/^(https?|mailto):/.test(target) && isBroken(page, target));
    expect(broken).toEqual([]);
  });
});

function isBroken(page: Page, target: string): boolean {
  const { path, anchor } = page.resolve(target);
  if (!existsSync(join(ROOT, path))) return true;
  return anchor !== undefined && path.endsWith('.md') && !new Page(path).anchors.has(anchor);
}

describe('docs/README.md', () => {
  it('leads to every page', () => {
    const index = new Page('docs/README.md');
    const linked = new Set(index.links.map(({ target }) => index.resolve(target).path));
    const inDocs = pages
      .map(({ path }) => path)
      .filter((path) => /^docs\/[^/]+\.md$/.test(path) && path !== index.path);
    expect(inDocs.filter((path) => !linked.has(path))).toEqual([]);
  });
});
