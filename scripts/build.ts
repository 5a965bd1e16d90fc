// Builds what is published, and tries it: `npm run build`.
import { spawnSync } from 'node:child_process';

const STEPS = [['node_modules/typescript/bin/tsc', '-b'], ['scripts/check-exports.ts']];

process.exitCode = STEPS.every((args) => spawnSync(process.execPath, args, { stdio: 'inherit' }).status === 0) ? 0 : 1;
