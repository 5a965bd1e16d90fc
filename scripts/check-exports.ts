// Packs each public package, lints the tarball, installs all of them into an empty folder as a user would, imports every
// entry point, and compiles and runs the README's first program against them.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPnpm } from './bootstrap/toolchain.mjs';

interface PackageManifest {
  readonly name: string;
  readonly private?: boolean;
  readonly exports?: Readonly<Record<string, string>>;
}

interface PublicPackage {
  readonly folder: string;
  readonly name: string;
  /** What is imported: `@intendant/core`, `@intendant/core/internal`. */
  readonly entryPoints: readonly string[];
}

const FIRST_PROGRAM = 'examples/quickstart/src/first-program.ts';
/** What every tarball holds beside its code. */
const PACKED = ['package/package.json', 'package/README.md', 'package/LICENSE'];
const PACKED_BY_MISTAKE = /\.spec\.|\.tsbuildinfo|node_modules|^package\/src\//;

/** Those whose folders are named, or all. */
function publicPackages(named: readonly string[]): PublicPackage[] {
  return (named.length > 0 ? named : readdirSync('packages'))
    .map((name) => join('packages', name))
    .flatMap((folder) => {
      const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as PackageManifest;
      if (manifest.private) return [];
      const entryPoints = Object.keys(manifest.exports ?? {}).map((path) => manifest.name + path.slice(1));
      return [{ folder, name: manifest.name, entryPoints }];
    });
}

function packInto(folder: string, pnpm: string, packages: readonly PublicPackage[]): string[] {
  for (const { folder: source } of packages)
    execFileSync(pnpm, ['pack', '--pack-destination', folder], { cwd: source, stdio: 'pipe' });
  return readdirSync(folder).filter((file) => file.endsWith('.tgz'));
}

/** Whether the manifest and the files agree, for the module systems there are, and nothing is missing or too much. */
function lint(folder: string, tarball: string): void {
  execFileSync(process.execPath, ['node_modules/publint/src/cli.js', join(folder, tarball)], { stdio: 'pipe' });
  const files = execFileSync('tar', ['-tzf', join(folder, tarball)], { encoding: 'utf8' })
    .trim()
    .split('\n');
  for (const file of PACKED) if (!files.includes(file)) throw new Error(`${tarball} lacks ${file}`);
  const mistake = files.find((file) => PACKED_BY_MISTAKE.test(file));
  if (mistake !== undefined) throw new Error(`${tarball} holds ${mistake}`);
}

function install(folder: string, tarballs: readonly string[]): void {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  execFileSync('npm', ['install', ...options, ...tarballs.map((tarball) => `./${tarball}`)], {
    cwd: folder,
    stdio: 'pipe',
  });
}

function runNode(folder: string, args: readonly string[]): string {
  const environment = { ...process.env, NODE_OPTIONS: '' };
  return execFileSync(process.execPath, [...args], { cwd: folder, encoding: 'utf8', env: environment, stdio: 'pipe' });
}

function importEntryPoint(folder: string, entryPoint: string): number {
  const program = `console.log(Object.keys(await import(${JSON.stringify(entryPoint)})).length)`;
  return Number(runNode(folder, ['--input-type=module', '-e', program]));
}

/** As a user's compiler sees the packages: declarations are checked too. */
function compileFirstProgram(folder: string): void {
  copyFileSync(FIRST_PROGRAM, join(folder, 'first-program.ts'));
  const options = ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'es2024', '--lib', 'es2024,esnext'];
  runNode(folder, [
    join(process.cwd(), 'node_modules/typescript/bin/tsc'),
    ...options,
    '--types',
    'node',
    'first-program.ts',
  ]);
}

const folder = mkdtempSync(join(tmpdir(), 'intendant-packed-'));
try {
  const packages = publicPackages(process.argv.slice(2));
  const tarballs = packInto(folder, await findPnpm(), packages);
  for (const tarball of tarballs) lint(folder, tarball);
  install(folder, tarballs);
  for (const entryPoint of packages.flatMap(({ entryPoints }) => entryPoints)) {
    console.log(`✓ ${entryPoint}: ${importEntryPoint(folder, entryPoint)} exports`);
  }
  if (process.argv.length === 2) {
    compileFirstProgram(folder);
    runNode(folder, ['first-program.ts']);
    console.log('✓ the first program compiles and runs');
  }
} catch (error) {
  const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
  console.error(`${message}\n${stdout}${stderr}`.trim());
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
