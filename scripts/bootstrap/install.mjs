import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { announced, quietly } from './quietly.mjs';
import { ROOT } from './repository.mjs';
import { findPnpm, recalledTools, rememberTools } from './toolchain.mjs';

/** What is installed: the lockfile's hash and the platform. */
const STAMP = join(ROOT, 'node_modules', '.intendant-installed');

/** Installs what the lockfile says, unless it is installed already. */
export async function installDependencies(node) {
  if (existsSync(STAMP) && readFileSync(STAMP, 'utf8') === fingerprint(node)) return;
  const pnpm = await findPnpm();
  const tools = recalledTools();
  const env = { ...process.env, CI: 'true', PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const doing = 'Installing dependencies';
  // An added package is installed too, and added to the lockfile.
  const options = ['--no-frozen-lockfile', '--prefer-frozen-lockfile', '--prefer-offline', '--reporter=append-only'];
  await announced(doing, () => quietly(doing, pnpm, ['install', ...options], env));
  if (tools !== undefined) rememberTools(tools);
  writeFileSync(STAMP, fingerprint(node));
}

function fingerprint(node) {
  const hash = createHash('sha256');
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml']) hash.update(readFileSync(join(ROOT, file)));
  return `${hash.digest('hex')} ${process.platform} ${process.arch} ${node}\n`;
}
