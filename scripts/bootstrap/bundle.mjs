import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { announced, quietly } from './quietly.mjs';
import { BUNDLES, ROOT } from './repository.mjs';

/**
 * Bundles the packages unless that is done already for the sources as they are now. Returns what a process needs to load the
 * bundle; undefined if it could not be made: then processes load the sources.
 */
export async function bundlePackages(node) {
  const folder = join(BUNDLES, fingerprint());
  if (!existsSync(folder)) {
    rmSync(BUNDLES, { recursive: true, force: true });
    const doing = 'Bundling the packages';
    const made = await announced(doing, () => quietly(doing, node, ['scripts/bundle-packages.mjs', folder])).catch(
      () => undefined,
    );
    if (made === undefined) return undefined;
  }
  const hook = pathToFileURL(join(ROOT, 'scripts/bootstrap/use-bundle.mjs')).href;
  return { hook, environment: { INTENDANT_BUNDLE: folder } };
}

/** Changes when a source file changes, is added or removed, and when other dependencies are installed. */
function fingerprint() {
  const hash = createHash('sha256').update(process.versions.node);
  for (const file of ['pnpm-lock.yaml', 'scripts/bundle-packages.mjs']) hash.update(readFileSync(join(ROOT, file)));
  for (const name of ['core', 'subscription', 'realization']) {
    const folder = join(ROOT, 'packages', name);
    const files = readdirSync(join(folder, 'src'), { recursive: true }).filter(isSource);
    for (const file of ['../package.json', ...files.sort()]) {
      const { size, mtimeMs } = statSync(join(folder, 'src', file));
      hash.update(`${name}/${file} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

const isSource = (file) => basename(file).includes('.') && !file.endsWith('.spec.ts');
