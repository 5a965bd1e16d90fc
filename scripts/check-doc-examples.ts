// Compiles the `ts` blocks of the documentation and of docstrings, all in one program.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { docstringModule, pageModule } from './docs/example-module.ts';
import { publicNames } from './docs/public-names.ts';
import { filesLike, markdownFiles } from './docs/repository-files.ts';

const FOLDER = 'node_modules/.cache/doc-examples';
const OPTIONS = {
  extends: '../../../tsconfig.base.json',
  compilerOptions: {
    noEmit: true,
    composite: false,
    rewriteRelativeImportExtensions: false,
    noUnusedLocals: false,
    noUnusedParameters: false,
  },
  include: ['*'],
};

interface Example {
  /** The file and line of the block. */
  readonly file: string;
  readonly code: string;
}

function findExamples(): Example[] {
  const read = (files: readonly string[], moduleOf: (text: string) => string | undefined) =>
    files.flatMap((file) => {
      const code = moduleOf(readFileSync(file, 'utf8'));
      return code === undefined ? [] : [{ file, code }];
    });
  return [...read(markdownFiles(), pageModule), ...read(filesLike('packages/*/src/**/*.ts'), docstringModule)];
}

/** Adds imports for names of our packages that an example uses without importing them. */
function withImports(code: string, names: ReadonlyMap<string, string>): string {
  const imports = [...names].flatMap(([name, statement]) =>
    new RegExp(`\\b${name}\\b`).test(code) && !new RegExp(`import [^;]*\\b${name}\\b[^;]*;`).test(code)
      ? [statement]
      : [],
  );
  return `${imports.join(' ')} ${code}`;
}

const moduleName = (index: number): string => `example-${index}.mts`;

function writeProgram(examples: readonly Example[]): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, 'tsconfig.json'), JSON.stringify(OPTIONS));
  copyFileSync('scripts/docs/example-globals.mts', join(FOLDER, 'example-globals.mts'));
  const names = publicNames();
  for (const [index, { code }] of examples.entries())
    writeFileSync(join(FOLDER, moduleName(index)), withImports(code, names));
}

const examples = findExamples();
writeProgram(examples);
const { status, stdout } = spawnSync(
  process.execPath,
  ['node_modules/typescript/bin/tsc', '-p', FOLDER, '--pretty', 'false'],
  { encoding: 'utf8' },
);
if (status !== 0)
  console.error('Names that examples use without declaring them are in scripts/docs/example-globals.mts.');
console.error(
  stdout.replaceAll(/\S*example-(\d+)\.mts/g, (found, index) => examples[Number(index)]?.file ?? found).trim(),
);
process.exitCode = status === 0 ? 0 : 1;
