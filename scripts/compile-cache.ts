import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { COMPILE_CACHE } from './bootstrap/repository.mjs';

const PACKAGES = ['realization', 'subscription', 'protostore'];

/**
 * For vitest's `globalSetup`: compiles the packages once, into that folder. Tests start more than fifty
 * programs, many of which they kill, and a program that is killed writes no cache: each would compile all packages again.
 */
export default async function setup(): Promise<void> {
  const imports = PACKAGES.map(
    (name) => `import ${JSON.stringify(join(import.meta.dirname, '../packages', name, 'src/index.ts'))};`,
  );
  const source = ['--input-type=module', '-e', imports.join('\n')];
  await promisify(execFile)(process.execPath, source, { env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE } });
}
