import { createDataStore, type DataStore } from '@intendant/core';
import {
  isOnCitus,
  nodeUrls,
  startPgBouncer,
  type TestDatabase,
  testDatabase,
  whyNoPgBouncer,
  withClient,
} from '@intendant/devdb/testing';
import { createRealization, on, type Realization } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from './doctor/finding.ts';
import { nodeFindings } from './doctor/node-checks.ts';
import { byPlace } from './doctor/queue-place.ts';
import { feedThere, onTestServer } from './testing/on-test-server.ts';
import { runCli } from './testing/run-cli.ts';
import { vm } from './testing/vm.ts';

let database: TestDatabase;
let store: DataStore;
let subscriptions: Subscriptions;
let realization: Realization;

beforeAll(async () => {
  database = await testDatabase();
  store = await createDataStore({ ...onTestServer, connection: database.url, adminConnection: database.adminUrl });
  subscriptions = await createSubscriptions({ store, ...feedThere });
  realization = await createRealization({ store, subscriptions });
  await realization.register([vm], { roles: { tenant_admin: 'tenant_writer' } });
});
afterAll(async () => {
  await realization?.close();
  await subscriptions?.close();
  await store?.close();
  await database?.drop();
});

const asAdmin = (sql: string) =>
  withClient(database.adminUrl, async (client) => {
    if (isOnCitus()) await client.query('set citus.enable_unsafe_triggers = on'); // It refuses triggers otherwise.
    return client.query(sql);
  });

async function examine(older = '10m'): Promise<Finding[]> {
  const environment = { DATABASE_URL: database.url, ADMIN_DATABASE_URL: database.adminUrl };
  const { stdout, exitCode } = await runCli(['doctor', '--older', older, '--json'], { environment });
  const findings = JSON.parse(stdout) as Finding[];
  expect(exitCode).toBe(findings.length === 0 ? 0 : 1);
  return findings;
}

/** What is broken on purpose, which check finds it, and on what. */
const BREAKAGES: readonly {
  breaks: string | (() => Promise<unknown>);
  check: string;
  subject: RegExp;
  cure: RegExp;
}[] = [
  {
    breaks: 'alter table vm disable row level security',
    check: 'isolation/row-security',
    subject: /vm/,
    cure: /enable row level security/,
  },
  { breaks: 'grant select on vm to public', check: 'isolation/grant', subject: /vm/, cure: /revoke/ },
  {
    breaks: 'alter table vm disable trigger intendant_revision',
    check: 'trigger',
    subject: /intendant_revision on vm/,
    cure: /enable trigger/,
  },
  {
    breaks: () => asAdmin(`alter database ${database.name} set default_transaction_isolation = 'serializable'`),
    check: 'setting',
    subject: /default_transaction_isolation = serializable/,
    cure: /^alter database test_\w+ reset default_transaction_isolation/,
  },
  {
    breaks: 'alter table vm set (autovacuum_enabled = off)',
    check: 'not-analyzed',
    subject: /vm/,
    cure: /reset \(autovacuum_enabled\)/,
  },
  {
    breaks: () => asAdmin(`select pg_create_logical_replication_slot('slot_${database.name}', 'pgoutput')`),
    check: 'slot',
    subject: /slot_test_/,
    cure: /pg_drop_replication_slot/,
  },
  {
    breaks: () => asAdmin(`select pg_create_physical_replication_slot('replica_${database.name}', true)`),
    check: 'slot',
    subject: /replica_test_/,
    cure: /pg_drop_replication_slot/,
  },
  {
    breaks: async () => {
      const announced = await realization.points.announce({ id: 'E7' });
      await announced.stop();
      await asAdmin(`update intendant.enforcement_point set heartbeat_at = now() - interval '1 hour'`);
    },
    check: 'stale-point',
    subject: /E7/,
    cure: /points remove E7/,
  },
  {
    breaks: async () => {
      const acme = realization.as({ orgId: 'acme', roles: ['tenant_admin'] });
      await acme.persistIntent(
        vm,
        { id: 'VM1', name: 'waits' },
        { enforcementPoints: ['E 8'], allowUnknownPoints: true },
      );
      await asAdmin(
        `update intendant_jobs.job_common set start_after = now() - interval '1 hour' where state = 'created'`,
      );
    },
    check: 'stuck-jobs',
    subject: /vm at E 8/,
    cure: /Start a worker for E 8; .* list vm --point 'E 8' /,
  },
  { breaks: () => giveUp(), check: 'failed-jobs', subject: /vm at E9/, cure: /intendant retry vm --point E9/ },
  { breaks: fallBehind, check: 'lag', subject: /billing/, cure: /subscriptions forget billing/ },
  { breaks: fallBehind, check: 'dead-letters', subject: /billing/, cure: /dead-letters list billing/ },
];

async function giveUp(id = 'VM9'): Promise<void> {
  const fail = async () => {
    throw new Error('no');
  };
  const worker = realization.worker({
    enforcementPoint: 'E9',
    retry: { limit: 1 },
    handlers: [on(vm, { realize: fail })],
  });
  await worker.start();
  const acme = realization.as({ orgId: 'acme', roles: ['tenant_admin'] });
  await acme.persistIntent(vm, { id, name: 'fails' }, { enforcementPoints: ['E9'], allowUnknownPoints: true });
  await acme.waitFor(vm, id, { status: 'ERROR', timeoutMs: 20_000 });
  await worker.stop();
}

/** A durable subscription with a dead letter and without members, while changes go on. */
async function fallBehind(): Promise<void> {
  const parked = Promise.withResolvers<void>();
  const fail = async () => {
    queueMicrotask(parked.resolve);
    throw new Error('no');
  };
  const subscription = await subscriptions.subscribe('vm', fail, {
    name: 'billing',
    from: 'beginning',
    maxAttempts: 1,
  });
  await parked.promise;
  await subscription.close();
  await realization
    .as({ orgId: 'acme', roles: ['tenant_admin'] })
    .persistIntent(vm, { id: `VM-${Date.now()}`, name: 'more' });
}

/** The test server trades safety for speed, and a server that DATABASE_URL names may not. */
const isOfTheServer = ({ subject }: Finding): boolean => /^(fsync|full_page_writes) /.test(subject);

test('a database without problems has no finding', async () => {
  expect((await examine()).filter((finding) => !isOfTheServer(finding))).toEqual([]);
});

test('the cure of a setting names the place where the setting is defined', async () => {
  const url = new URL(database.adminUrl);
  url.searchParams.set('options', '-c default_transaction_isolation=serializable');
  const environment = { DATABASE_URL: database.url, ADMIN_DATABASE_URL: url.href };
  const { stdout } = await runCli(['doctor', '--json'], { environment });
  const settings = (JSON.parse(stdout) as Finding[]).filter(({ check }) => check === 'setting');
  expect(settings.find(({ subject }) => subject.startsWith('default_transaction_isolation'))?.cure).toContain(
    'options of the connection',
  );
  for (const { cure } of settings.filter(isOfTheServer))
    expect(cure).toMatch(/command line of the server|alter system set \w+ = on/);
});

test('the same problem at many points is one finding', async () => {
  await asAdmin(
    `insert into intendant.enforcement_point (id, labels, table_names, heartbeat_at)
     select 'gone-' || i, '{}', '{}', now() - interval '1 hour' from generate_series(1, 7) i`,
  );
  const stale = (await examine()).filter(({ check }) => check === 'stale-point');
  await asAdmin(`delete from intendant.enforcement_point where id like 'gone-%'`);
  expect(stale).toMatchObject([{ subject: '7 points', message: expect.stringMatching(/gone-\d, .* and 4 more/) }]);
  const queuesOf = (count: number) => Array.from({ length: count }, (_, index) => ({ queue: `realize/vm/E${index}` }));
  expect(byPlace(queuesOf(2)).map(([{ subject }]) => subject)).toEqual(['vm at E0', 'vm at E1']);
  expect(byPlace(queuesOf(40)).map(([{ subject, flags }]) => [subject, flags])).toEqual([['vm at 40 points', 'vm']]);
});

test.skipIf(whyNoPgBouncer() !== undefined)('doctor says that the connection goes through a pooler', async () => {
  await using pooler = await startPgBouncer(database);
  const environment = { DATABASE_URL: pooler.url, ADMIN_DATABASE_URL: database.adminUrl };
  const { stdout } = await runCli(['doctor', '--json'], { environment });
  const found = (JSON.parse(stdout) as Finding[]).find(({ check }) => check === 'pooler');
  expect(found).toMatchObject({
    subject: 'connection',
    cure: expect.stringContaining('direct connection to Postgres'),
  });
});

test('doctor does not report a failed job whose resource has been realized since', async () => {
  const failed = async () => (await examine()).filter(({ check }) => check === 'failed-jobs');
  await giveUp('VM10');
  expect(await failed()).toMatchObject([
    { subject: 'vm at E9', message: '1 resource not realized after the last attempt' },
  ]);
  await realization.as({ orgId: 'acme', roles: ['tenant_admin'] }).markSuccess(vm, { id: 'VM10', revision: 1 }, 'E9');
  expect(await failed()).toEqual([]);
});

describe.skipIf(!isOnCitus())('on Citus (skipped unless CITUS_URL is set)', () => {
  test('doctor finds a slot and a missing publication on a node, and the cure repairs it', async () => {
    const [, node = ''] = await nodeUrls(database.adminUrl);
    const { host } = new URL(node);
    const onNode = (...statements: string[]) =>
      withClient(node, async (client) => {
        for (const statement of statements) await client.query(statement);
      });
    await onNode(
      `select pg_create_logical_replication_slot('node_${database.name}', 'pgoutput')`,
      'set citus.enable_ddl_propagation = off',
      'alter publication intendant_feed drop table public.vm',
    );
    const found = (await examine()).filter(({ subject }) => subject.endsWith(host));
    expect(found).toMatchObject([
      { check: 'slot', subject: `replication slot node_${database.name} on ${host}` },
      { check: 'publication', subject: `public.vm on ${host}` },
    ]);
    const [drop = ''] = /select pg_drop_replication_slot\(.*?\)/.exec(found[0]?.cure ?? '') ?? [];
    await onNode(drop, ...(found[1]?.cure.split(` on ${host}`)[0]?.split('; ') ?? []));
    expect((await examine()).filter(({ subject }) => subject.endsWith(host))).toEqual([]);
  });
});

test('doctor tells of a node of Citus that is not ready for the feed', () => {
  const facts = { walLevel: 'replica', slots: null, published: ['public.vm'] };
  const node = {
    name: 'node-1:5432',
    isCoordinator: false,
    isRead: true,
    slot: 'intendant_1',
    tables: ['public.vm'],
    facts,
  };
  expect(nodeFindings(node)).toMatchObject([
    { check: 'wal-level', subject: 'node node-1:5432' },
    { check: 'slot', subject: 'replication slot intendant_1 on node-1:5432' },
  ]);
  const lost = { name: 'intendant_1', isActive: false, held: null, bytes: null, status: 'lost' };
  const behind = { name: 'intendant_1', isActive: true, held: '2 GB', bytes: 2 ** 31, status: 'extended' };
  const ready = { walLevel: 'logical', published: ['public.vm'] };
  const messages = [lost, behind].flatMap((slot) => nodeFindings({ ...node, facts: { ...ready, slots: [slot] } }));
  expect(messages.map(({ message }) => message)).toEqual([
    expect.stringContaining('its reader has lost changes'),
    expect.stringContaining('2 GB behind'),
  ]);
});

test('doctor finds each deliberate damage, and says how to repair it', async () => {
  const held = new pg.Client(database.adminUrl);
  await held.connect();
  await held.query('begin');
  for (const { breaks } of BREAKAGES) await (typeof breaks === 'string' ? asAdmin(breaks) : breaks());
  const findings = [...(await examine()), ...(await examine('0s'))];
  await held.end();
  for (const kind of ['slot', 'replica']) await asAdmin(`select pg_drop_replication_slot('${kind}_${database.name}')`);
  const expected = [...BREAKAGES, { check: 'long-transaction', subject: /process \d+/, cure: /pg_terminate_backend/ }];
  for (const { check, subject, cure } of expected) {
    const found = findings.filter((finding) => finding.check === check && subject.test(finding.subject));
    expect(found, `${check} among ${findings.map((finding) => finding.check)}`).not.toEqual([]);
    expect(found[0]?.cure).toMatch(cure);
  }
});
