// Builds what is published, and tries it: `npm run build`.
import { execFileSync } from 'node:child_process';

for (const args of [['node_modules/typescript/bin/tsc', '-b'], ['scripts/check-exports.ts']]) {
  execFileSync(process.execPath, args, { stdio: 'inherit' });
}
