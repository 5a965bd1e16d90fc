// Builds the published packages from a clean state and tests them: `npm run build`. `npm run pack` also keeps the tarballs in dist/.
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

const STEPS = [
  ['node_modules/typescript/bin/tsc', '-b'],
  ['scripts/build-page.ts'],
  ['scripts/check-exports.ts', ...process.argv.slice(2)],
];

// The output of a deleted source file must not be packed.
for (const name of readdirSync('packages')) rmSync(join('packages', name, 'dist'), { recursive: true, force: true });
process.exitCode = STEPS.every((args) => spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0) ? 0 : 1;
