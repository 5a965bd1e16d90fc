// Each check of the code's structure finds the fault that it is for.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { importProblem } from './import-direction.ts';

const folder = mkdtempSync(join(tmpdir(), 'intendant-planted-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function plant(file: string, text: string): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(join(folder, file), text);
}

function run(program: string, ...args: string[]): { status: number | null; output: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [resolve(program), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return { status, output: stdout + stderr };
}

const lint = (...files: string[]) =>
  run('node_modules/@biomejs/biome/bin/biome', 'lint', '--vcs-enabled=false', ...files);

test('an export and a member without a docstring are found', () => {
  plant(
    'packages/fruit/package.json',
    JSON.stringify({ name: '@intendant/fruit', exports: { '.': './src/index.ts' } }),
  );
  plant('packages/fruit/src/index.ts', "export { type Apple, peel } from './apple.ts';\n");
  plant(
    'packages/fruit/src/apple.ts',
    '/** A fruit. */\nexport interface Apple {\n  size: number;\n}\nexport const peel = 1;\n',
  );
  const { status, output } = run('scripts/check-docstrings.ts');
  expect(status).toBe(1);
  expect(output).toContain('packages/fruit/src/apple.ts:3: Apple.size has no docstring');
  expect(output).toContain('packages/fruit/src/apple.ts:5: peel has no docstring');
});

test('a circle of types alone is found', () => {
  copyFileSync('biome.json', join(folder, 'biome.json'));
  plant('a.ts', "import type { B } from './b.ts';\n\nexport interface A {\n  b: B;\n}\n");
  plant('b.ts', "import type { A } from './a.ts';\n\nexport interface B {\n  a: A;\n}\n");
  const { status, output } = lint('a.ts', 'b.ts');
  expect(output).toContain('noImportCycles');
  expect(status).toBe(1);
});

test('an import upward is found, between packages and between stages of a package', () => {
  expect(importProblem('packages/core/src/record/a.ts', '@intendant/realization')).toContain(
    'may not import realization',
  );
  expect(importProblem('packages/subscription/src/log/a.ts', '@intendant/devdb')).toContain('may not import devdb');
  expect(importProblem('packages/core/src/exchange/a.ts', '../session/session.ts')).toContain('in a stage above');
  expect(importProblem('packages/core/src/record/a.ts', '../index.ts')).toContain('in a stage above');
});

test('a deep import is found, in specs too', () => {
  expect(importProblem('packages/cli/src/a.ts', '@intendant/core/src/background/bell.ts')).toContain(
    'a deep import; the package core exports only ., ./internal',
  );
  expect(importProblem('packages/core/src/record/a.int.spec.ts', '../../../devdb/src/index.ts')).toContain(
    'import the package @intendant/devdb instead',
  );
});

test('a file of more than 300 lines is found', () => {
  copyFileSync('biome.json', join(folder, 'biome.json'));
  plant('long.int.spec.ts', 'console.log(1);\n'.repeat(301));
  const { status, output } = lint('long.int.spec.ts');
  expect(output).toContain('noExcessiveLinesPerFile');
  expect(status).toBe(1);
});

test('imports that stay in their stage or go down are allowed, and specs may import anything', () => {
  expect(importProblem('packages/realization/src/intent/a.ts', '@intendant/core/internal')).toBeUndefined();
  expect(importProblem('packages/core/src/session/a.ts', '../exchange/pool.ts')).toBeUndefined();
  expect(importProblem('packages/core/src/record/a.ts', './b.ts')).toBeUndefined();
  expect(importProblem('packages/core/src/record/a.int.spec.ts', '@intendant/devdb/testing')).toBeUndefined();
});
