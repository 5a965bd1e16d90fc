// Packs each public package, lints the tarballs, installs all of them into an empty folder as a user would, imports every
// entry point, compiles the README's first program against them under each module resolution, and runs it on the lowest
// Node that the packages promise to run on. With --keep the tarballs stay in dist/.
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
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
  /** The import specifiers: `@intendant/core`, `@intendant/core/internal`. */
  readonly entryPoints: readonly string[];
}

const FIRST_PROGRAM = 'examples/quickstart/src/first-program.ts';
/** `engines` of the published packages. */
const LOWEST_NODE = '22.12.0';
/** Fetched from the registry by this script only, so that a clone installs faster. */
const TYPES_LINTER = '@arethetypeswrong/cli@0.18.5';
const MODULE_SETTINGS = [
  ['--module', 'nodenext'],
  ['--module', 'node16', '--moduleResolution', 'node16'],
  ['--module', 'esnext', '--moduleResolution', 'bundler'],
];
/** The files that every tarball contains in addition to its code. */
const PACKED = ['package/package.json', 'package/README.md', 'package/LICENSE'];
const PACKED_BY_MISTAKE = /\.spec\.|\.tsbuildinfo|node_modules|^package\/src\//;

/** The packages in the given folders, or all. */
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

/** Checks that the manifest matches the files, that types resolve, and that no file is missing or superfluous. */
function lint(folder: string, tarball: string, pnpm: string): void {
  execFileSync(process.execPath, ['node_modules/publint/src/cli.js', join(folder, tarball)], { stdio: 'pipe' });
  execFileSync(pnpm, ['dlx', TYPES_LINTER, join(folder, tarball), '--profile', 'esm-only'], { stdio: 'pipe' });
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

/** Compiles as a user does, with checks of the declaration files. Writes the program as JavaScript. */
function compileFirstProgram(folder: string): void {
  copyFileSync(FIRST_PROGRAM, join(folder, 'first-program.ts'));
  const options = ['--strict', '--target', 'es2024', '--lib', 'es2024,esnext', '--types', 'node'];
  for (const setting of MODULE_SETTINGS)
    runNode(folder, [
      join(process.cwd(), 'node_modules/typescript/bin/tsc'),
      ...options,
      ...setting,
      'first-program.ts',
    ]);
}

function runOnLowestNode(folder: string): void {
  execFileSync('npx', ['--yes', `node@${LOWEST_NODE}`, 'first-program.js'], {
    cwd: folder,
    env: { ...process.env, NODE_OPTIONS: '' },
    stdio: 'pipe',
  });
}

function keep(folder: string, tarballs: readonly string[]): void {
  rmSync('dist', { recursive: true, force: true });
  mkdirSync('dist');
  for (const tarball of tarballs) cpSync(join(folder, tarball), join('dist', tarball));
  console.log(`✓ dist/: ${tarballs.join(', ')}`);
}

const isKeeping = process.argv.includes('--keep');
const named = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const folder = mkdtempSync(join(tmpdir(), 'intendant-packed-'));
try {
  const packages = publicPackages(named);
  const pnpm = await findPnpm();
  const tarballs = packInto(folder, pnpm, packages);
  for (const tarball of tarballs) lint(folder, tarball, pnpm);
  install(folder, tarballs);
  for (const entryPoint of packages.flatMap(({ entryPoints }) => entryPoints)) {
    console.log(`✓ ${entryPoint}: ${importEntryPoint(folder, entryPoint)} exports`);
  }
  if (named.length === 0) {
    compileFirstProgram(folder);
    runOnLowestNode(folder);
    console.log(`✓ the first program compiles under each module resolution, and runs on Node ${LOWEST_NODE}`);
  }
  if (isKeeping) keep(folder, tarballs);
} catch (error) {
  const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
  console.error(`${message}\n${stdout}${stderr}`.trim());
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
