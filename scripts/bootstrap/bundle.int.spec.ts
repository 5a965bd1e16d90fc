import { execFile } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { newTestFolder, testDatabase } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { bundlePackages, fingerprint } from './bundle.mjs';
import { BUNDLES, ROOT } from './repository.mjs';

const PROGRAM = `
  import { createDataStore, defineTable } from '@intendant/core';
  import { createRealization, on } from '@intendant/realization';
  import { createSubscriptions } from '@intendant/subscription';
  import { z } from 'zod';

  const vm = defineTable('vm', { schema: z.object({ id: z.string(), name: z.string() }) });
  const store = await createDataStore({ connection: process.argv[1] });
  const subscriptions = await createSubscriptions({ store });
  const realization = await createRealization({ store, subscriptions });
  await realization.register([vm], { roles: { admin: 'tenant_writer' } });
  const worker = realization.worker({ enforcementPoint: 'E1', handlers: [on(vm, { realize: async () => {} })] });
  await worker.start();
  const session = realization.as({ orgId: 'Coke', roles: ['admin'] });
  const heard = new Promise((resolve) => subscriptions.subscribe(vm, (change) => resolve(change.key.id)));
  await session.persistIntent(vm, { id: 'VM1', name: 'web' }, { enforcementPoints: ['E1'] });
  await session.waitFor(vm, 'VM1', { status: 'REALIZED' });
  console.log(JSON.stringify([import.meta.resolve('@intendant/core'), await heard]));
  await store.close();`;

test('a program realizes and hears a record with the packages of the bundle', async () => {
  const bundle = await bundlePackages(process.execPath);
  if (bundle === undefined) throw new Error('there is no bundle');
  await using database = await testDatabase();
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--import', bundle.hook, '--input-type=module', '-e', PROGRAM, database.adminUrl],
    { cwd: join(ROOT, 'examples/quickstart'), env: { ...process.env, ...bundle.environment, NODE_OPTIONS: '' } },
  );
  expect(JSON.parse(stdout)).toEqual([expect.stringContaining(BUNDLES), 'VM1']);
});

test('a source file that is changed or added leads to another bundle', async () => {
  const root = await newTestFolder('sources');
  const source = join(root, 'packages/core/src');
  for (const name of ['core', 'subscription', 'realization'])
    await mkdir(join(root, 'packages', name, 'src'), { recursive: true });
  const write = (file: string, text: string) => writeFile(join(root, file), text);
  for (const name of ['core', 'subscription', 'realization']) await write(`packages/${name}/package.json`, '{}');
  await mkdir(join(root, 'scripts'));
  for (const file of ['pnpm-lock.yaml', 'scripts/bundle-packages.mjs', 'packages/core/src/a.ts']) await write(file, '');
  const first = fingerprint(root);
  expect(fingerprint(root)).toBe(first);
  await writeFile(join(source, 'a.ts'), 'export const one = 1;');
  const changed = fingerprint(root);
  await writeFile(join(source, 'b.ts'), '');
  expect(new Set([first, changed, fingerprint(root)]).size).toBe(3);
  await rm(root, { recursive: true });
});
