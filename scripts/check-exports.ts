// Packs each public package, lints the tarball, installs all of them into an empty folder as a user would, and imports every
// entry point.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

/** Whether the manifest and the files agree, for the module systems there are. */
function lint(folder: string, tarball: string): void {
  execFileSync(process.execPath, ['node_modules/publint/src/cli.js', join(folder, tarball)], { stdio: 'pipe' });
}

function install(folder: string, tarballs: readonly string[]): void {
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  execFileSync('npm', ['install', ...options, ...tarballs.map((tarball) => `./${tarball}`)], {
    cwd: folder,
    stdio: 'pipe',
  });
}

function importEntryPoint(folder: string, entryPoint: string): number {
  const program = `console.log(Object.keys(await import(${JSON.stringify(entryPoint)})).length)`;
  const environment = { ...process.env, NODE_OPTIONS: '' };
  return Number(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], {
      cwd: folder,
      encoding: 'utf8',
      env: environment,
    }),
  );
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
} catch (error) {
  const { message, stdout = '', stderr = '' } = error as Error & { stdout?: string; stderr?: string };
  console.error(`${message}\n${stdout}${stderr}`.trim());
  process.exitCode = 1;
} finally {
  rmSync(folder, { recursive: true, force: true });
}
