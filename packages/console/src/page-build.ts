import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PAGE_FOLDER } from './http/page-files.ts';

/** Exists only in a clone; the published package contains the built page. */
const SOURCE_FOLDER = new URL('../page/', import.meta.url);
const STAMP = '.sources';

/**
 * Builds the page if it is not built, or if its sources have changed since. For a clone, before the console is served.
 * Returns immediately in the published package, which contains the built page. Takes a few seconds, and needs vite.
 */
export async function ensurePage(): Promise<void> {
  const sources = fileURLToPath(SOURCE_FOLDER);
  if (!existsSync(sources)) return;
  const wanted = hashOf(sources);
  const stamp = fileURLToPath(new URL(STAMP, PAGE_FOLDER));
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  const { build } = await import('vite');
  await build({ root: sources, configFile: join(sources, 'vite.config.ts'), logLevel: 'error' });
  writeFileSync(stamp, wanted);
}

function hashOf(folder: string): string {
  const hash = createHash('sha256');
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  for (const path of files.map((entry) => join(entry.parentPath, entry.name)).sort())
    hash.update(path).update(readFileSync(path));
  return hash.digest('hex');
}
