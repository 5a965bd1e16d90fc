import { startDevDatabase } from '@intendant/devdb';
import { TEST_SETTINGS, type TestDatabase, withClient } from '@intendant/devdb/testing';

/** The amount of data in the database of the large runs. */
export interface LargeData {
  readonly resources: number;
  readonly points: number;
  readonly pointsEach: number;
}

/** A database that stays in a folder between runs, so that it is filled only once. */
export async function keptDatabase(folder: string): Promise<TestDatabase> {
  const server = await startDevDatabase({
    dataDir: folder,
    settings: { ...TEST_SETTINGS, shared_buffers: '512MB', autovacuum_naptime: '1min' },
  });
  const adminUrl = await server.createDatabase('large');
  await withClient(adminUrl, (client) =>
    client.query(`do $$ begin
      if not exists (select from pg_roles where rolname = 'app_large') then
        create role app_large login noinherit password 'large'; end if; end $$`),
  );
  const url = new URL(adminUrl);
  [url.username, url.password] = ['app_large', 'large'];
  const stop = () => server.stop();
  return { name: 'large', adminUrl, url: url.href, port: server.port, drop: stop, [Symbol.asyncDispose]: stop };
}

/** Fills the tables of the console's fixture, a tenth of the resources in ERROR. Does nothing if they are filled. */
export async function fillLarge(adminUrl: string, { resources, points, pointsEach }: LargeData): Promise<void> {
  const errors = resources / 10;
  const status = `case when i < ${errors} then 1000 else 200 end, case when i < ${errors} then 'ERROR quota exceeded: 64 of 64 vCPUs in use' else '' end, 1`;
  const from = `from generate_series(0, ${resources - 1}) i`;
  const key = `'org-' || i % 20, 'vm-' || lpad(i::text, 6, '0')`;
  // In portions with different times, as in a real service.
  const portions = Array.from({ length: 100 }, (_, index) => `${from} where i % 100 = ${index}`);
  await withClient(adminUrl, async (client) => {
    const { rows } = await client.query('select from public.vm limit 1');
    if (rows.length > 0) return;
    for (const portion of portions) {
      await client.query(
        `insert into public.vm (org_id, id, name, region, cpus) select ${key}, 'name ' || i, 'region-' || i % 7, i % 64 ${portion}`,
      );
      await client.query(
        `insert into public.overall_status_vm (org_id, id, realization_status, additional_details, resource_revision) select ${key}, ${status} ${portion}`,
      );
      await client.query(
        `insert into public.enforcement_status_vm (org_id, id, enforcement_point_id, realization_status, additional_details, resource_revision, is_removal, attempt)
         select ${key}, 'point-' || lpad(((i * 7 + p * 331) % ${points})::text, 4, '0'), ${status}, false, 1
         from (select i ${portion}) i, generate_series(0, ${pointsEach - 1}) p`,
      );
    }
    await client.query(
      `insert into intendant.enforcement_point (id, labels, table_names) select 'point-' || lpad(p::text, 4, '0'), '{}', '{public.vm}' from generate_series(0, ${points - 1}) p`,
    );
    await client.query('vacuum analyze');
  });
}
