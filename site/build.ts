// Builds the documentation site in site/dist: `npm run docs`. With --serve it then serves the site.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findPnpm } from '../scripts/bootstrap/toolchain.mjs';

const SITE = dirname(fileURLToPath(import.meta.url));
const VITEPRESS = join(SITE, 'node_modules/vitepress/bin/vitepress.js');

function run(doing: string, program: string, args: readonly string[], isShown = false): void {
  console.error(`${doing} …`);
  const { status, stdout, stderr } = spawnSync(program, args, {
    cwd: SITE,
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: isShown ? 'inherit' : 'pipe',
  });
  if (status === 0) return;
  throw new Error(`${stdout ?? ''}${stderr ?? ''}\n${doing} failed`.trim());
}

try {
  const options = ['--frozen-lockfile', '--prefer-offline', '--reporter=append-only'];
  if (!existsSync(VITEPRESS)) run('Installing what the site needs', await findPnpm(), ['install', ...options]);
  run('Collecting pages and the API reference', process.execPath, ['prepare.ts']);
  run('Building the site', process.execPath, [VITEPRESS, 'build', '.']);
  run('Checking the search', process.execPath, ['check-search.ts'], true);
  console.log(`The site is in ${join(SITE, 'dist')}`);
  if (process.argv.includes('--serve')) run('Serving the site', process.execPath, [VITEPRESS, 'preview', '.'], true);
  else console.log('To look at it: npm run docs -- --serve');
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
