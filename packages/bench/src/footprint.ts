import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';

/** The size and the number of the packages that some packages need. */
export interface Footprint {
  readonly packages: number;
  readonly megabytes: number;
}

interface Manifest {
  readonly dependencies?: Record<string, string>;
  readonly peerDependencies?: Record<string, string>;
  readonly peerDependenciesMeta?: Record<string, { readonly optional?: boolean }>;
}

/** The packages of these names as resolved from a folder (`.` is the folder itself), with all their dependencies. */
export async function footprintOf(folder: string, names: readonly string[]): Promise<Footprint> {
  const found = new Set<string>();
  const visit = async (packageFolder: string): Promise<void> => {
    if (found.has(packageFolder)) return;
    found.add(packageFolder);
    const manifest = JSON.parse(await readFile(join(packageFolder, 'package.json'), 'utf8')) as Manifest;
    for (const name of needed(manifest)) {
      const dependency = await resolvePackage(packageFolder, name);
      if (dependency) await visit(dependency);
    }
  };
  for (const name of names) {
    const start = name === '.' ? await realpath(folder) : await resolvePackage(folder, name);
    if (start === undefined) throw new Error(`${name} is not installed in ${folder}`);
    await visit(start);
  }
  const sizes = await Promise.all([...found].map(sizeOf));
  return { packages: found.size, megabytes: sizes.reduce((sum, size) => sum + size, 0) / 1_000_000 };
}

function needed({ dependencies = {}, peerDependencies = {}, peerDependenciesMeta = {} }: Manifest): string[] {
  const peers = Object.keys(peerDependencies).filter((name) => !peerDependenciesMeta[name]?.optional);
  return [...Object.keys(dependencies), ...peers];
}

/** Resolves as Node does: the nearest node_modules that contains it. */
async function resolvePackage(from: string, name: string): Promise<string | undefined> {
  for (let folder = from; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', name);
    const manifest = await stat(join(candidate, 'package.json')).catch(() => undefined);
    if (manifest) return realpath(candidate);
    if (folder === dirname(folder)) return undefined;
  }
}

/** Without nested packages, which are counted separately, and without development dependencies. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true });
  const sizes = await Promise.all(
    entries.map((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory())
        return entry.name === 'node_modules' || (entry.name === 'dist' && folder.endsWith('packages/core'))
          ? 0
          : sizeOf(path);
      return entry.isFile() && !entry.name.includes('.spec.') ? stat(path).then(({ size }) => size) : 0;
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
