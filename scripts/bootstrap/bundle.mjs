import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { announced, quietly } from './quietly.mjs';
import { BUNDLES, ROOT } from './repository.mjs';

const UNUSED_AFTER_MS = 3_600_000;

/**
 * Bundles the packages unless that is done already for the sources as they are now. Returns what a process needs to load the
 * bundle; undefined if it could not be made: then processes load the sources.
 */
export async function bundlePackages(node) {
  const folder = join(BUNDLES, fingerprint());
  if (!existsSync(folder)) {
    removeUnused();
    const doing = 'Bundling the packages';
    const made = await announced(doing, () => quietly(doing, node, ['scripts/bundle-packages.mjs', folder])).catch(
      () => undefined,
    );
    if (made === undefined) return undefined;
  }
  const hook = pathToFileURL(join(ROOT, 'scripts/bootstrap/use-bundle.mjs')).href;
  return { hook, environment: { INTENDANT_BUNDLE: folder } };
}

/** Bundles of other sources. A program may be running from one that is young. */
function removeUnused() {
  for (const name of existsSync(BUNDLES) ? readdirSync(BUNDLES) : []) {
    const path = join(BUNDLES, name);
    const age = Date.now() - statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (age > UNUSED_AFTER_MS) rmSync(path, { recursive: true, force: true });
  }
}

/** Changes when a source file changes, is added or removed, and when other dependencies are installed. */
export function fingerprint(root = ROOT) {
  const hash = createHash('sha256').update(process.versions.node);
  for (const file of ['pnpm-lock.yaml', 'scripts/bundle-packages.mjs']) hash.update(readFileSync(join(root, file)));
  for (const name of ['core', 'subscription', 'realization']) {
    const folder = join(root, 'packages', name);
    const files = readdirSync(join(folder, 'src'), { recursive: true }).filter(isSource);
    for (const file of ['../package.json', ...files.sort()]) {
      const { size, mtimeMs } = statSync(join(folder, 'src', file));
      hash.update(`${name}/${file} ${size} ${mtimeMs}\n`);
    }
  }
  return hash.digest('hex').slice(0, 16);
}

const isSource = (file) => basename(file).includes('.') && !file.endsWith('.spec.ts');
