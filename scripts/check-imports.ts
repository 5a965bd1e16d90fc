// Checks the direction of imports in all packages. The linter finds import cycles (noImportCycles).
import { readFileSync } from 'node:fs';
import { parseSync } from 'oxc-parser';
import { filesLike } from './docs/repository-files.ts';
import { importProblem } from './import-direction.ts';

function importsOf(file: string): string[] {
  const { module } = parseSync(file, readFileSync(file, 'utf8'));
  const imported = module.staticImports.map(({ moduleRequest }) => moduleRequest.value);
  const exported = module.staticExports.flatMap(({ entries }) =>
    entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
  );
  return [...new Set([...imported, ...exported])];
}

for (const file of filesLike('packages/*/src/**/*.ts'))
  for (const target of importsOf(file)) {
    const problem = importProblem(file, target);
    if (problem === undefined) continue;
    console.error(`${file}: import of ${target}: ${problem}`);
    process.exitCode = 1;
  }
