import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

interface PackageJson {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  peerDependencies?: Record<string, string>;
  peerDependenciesMeta?: Record<string, { optional?: boolean }>;
}

/**
 * The folders in `node_modules` of some packages and of everything that they need at run time, relative to `root`: what
 * `npm install --omit=dev` would put there, without asking a registry. Packages within a package come with its folder.
 * @throws Error naming a package that is needed and not installed
 */
export function productionPackages(root: string, names: string[]): string[] {
  const found = new Set<string>();
  const visit = (name: string, from: string, isOptional: boolean): void => {
    const folder = resolve(root, name, from);
    if (!folder) {
      if (isOptional) return;
      throw new Error(`${name} is not installed, but ${from || 'the application'} needs it.`);
    }
    if (found.has(folder)) return;
    found.add(folder);
    const manifest = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as PackageJson;
    for (const dependency of Object.keys(manifest.dependencies ?? {}))
      visit(dependency, folder, dependency in (manifest.optionalDependencies ?? {}));
    for (const dependency of Object.keys(manifest.optionalDependencies ?? {})) visit(dependency, folder, true);
    // An optional peer is for the application to name.
    for (const peer of Object.keys(manifest.peerDependencies ?? {}))
      if (!manifest.peerDependenciesMeta?.[peer]?.optional) visit(peer, folder, false);
  };
  for (const name of names) visit(name, '', false);
  return [...found].filter((folder) => !found.has(folder.split('/node_modules/').slice(0, -1).join('/node_modules/')));
}

/** Node's own search: beside the package that asks, then in each folder above. */
function resolve(root: string, name: string, from: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    if (existsSync(join(root, candidate, 'package.json'))) return candidate;
    if (folder === '' || folder === '.') return undefined;
  }
}
