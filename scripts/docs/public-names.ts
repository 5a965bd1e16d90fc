import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { filesLike } from './repository-files.ts';

interface PackageManifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
}

/** The import statement of each public name, e.g. `import { createDataStore } from '@intendant/core';` for `createDataStore`. */
export function publicNames(): Map<string, string> {
  const names = new Map<string, string>();
  for (const manifestFile of filesLike('packages/*/package.json')) {
    const manifest = JSON.parse(readFileSync(manifestFile, 'utf8')) as PackageManifest;
    if (manifest.private) continue;
    for (const [path, target] of Object.entries(manifest.exports ?? {})) {
      const file = join(dirname(manifestFile), target);
      if (path === './internal' || !existsSync(file)) continue;
      for (const name of exportedNames(readFileSync(file, 'utf8'))) {
        const bare = name.replace(/^type /, '');
        if (!names.has(bare)) names.set(bare, `import { ${name} } from '${manifest.name}${path.slice(1)}';`);
      }
    }
  }
  return names;
}

/** The names in `export { a, type B } from …`; types keep the word `type`. */
function exportedNames(source: string): string[] {
  return [...source.matchAll(/^export (type )?\{([^}]*)\} from/gm)].flatMap(([, type = '', list = '']) =>
    list
      .split(',')
      .map((name) => name.trim().replace(/^.* as /, ''))
      .filter((name) => name !== '')
      .map((name) => `${type}${name}`),
  );
}
