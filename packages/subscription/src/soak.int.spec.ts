import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createDataStore } from '@intendant/core';
import { atScale, crashableServer, eventually, isSoak, withClient } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { createSubscriptions } from './create-subscriptions.ts';
import type { SourceKind } from './log/source-kind.ts';
import { account, NAMES } from './testing/soak-tables.ts';

/*
 * Writers and subscribers, each of which may lead the relay, are processes that are killed without warning; backends are
 * terminated, and the server is stopped at once and started again. What was committed stands in `history`, written by the
 * same transactions. Each durable name must then have seen all of it, in order for each row, and nothing else.
 */
const CHAOS_MS = atScale(4_000, 120_000);
/** The other source takes its turn at full size alone. */
const SOURCES = isSoak ? (['triggers', 'replication'] as const) : (['triggers'] as const);

interface Step {
  readonly id: string;
  readonly version: number;
  readonly stamp: string;
}

class Crew {
  readonly #script: string;
  readonly #environment: Record<string, string>;
  readonly #members: ChildProcess[] = [];
  kills = 0;

  constructor(script: string, environment: Record<string, string>, size: number) {
    this.#script = fileURLToPath(new URL(`./testing/${script}`, import.meta.url));
    this.#environment = environment;
    for (let member = 0; member < size; member++) this.#start();
  }

  #start(): void {
    this.#members.push(fork(this.#script, { env: { ...process.env, ...this.#environment }, stdio: 'inherit' }));
  }

  killOne(): void {
    this.#members.splice(Math.floor(Math.random() * this.#members.length), 1)[0]?.kill('SIGKILL');
    this.kills++;
    this.#start();
  }

  end(): void {
    for (const member of this.#members.splice(0)) member.kill('SIGKILL');
  }
}

async function readJournal(path: string): Promise<Step[]> {
  const text = await readFile(path, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split(' '))
    .map(([id, version, stamp]) => ({ id: id as string, version: Number(version), stamp: stamp as string }));
}

function judge(journal: readonly Step[], history: readonly Step[]) {
  const committed = new Set(history.map(({ stamp }) => stamp));
  const seen = new Set<string>();
  const versions = new Map<string, number>();
  let outOfOrder = 0;
  for (const { id, version, stamp } of journal) {
    if (seen.has(stamp)) continue; // Handed over again.
    seen.add(stamp);
    if (version !== (versions.get(id) ?? 0) + 1) outOfOrder++;
    versions.set(id, version);
  }
  return {
    lost: history.filter(({ stamp }) => !seen.has(stamp)).length,
    rolledBack: [...seen].filter((stamp) => !committed.has(stamp)).length,
    outOfOrder,
  };
}

test.each(SOURCES)(
  'with processes and servers killed, each durable name sees all committed changes, in order for each row, by %s',
  {
    timeout: CHAOS_MS + 180_000,
  },
  async (source) => {
    await using server = await crashableServer();
    const journals = await mkdtemp(join(tmpdir(), 'intendant-journals-'));
    await prepare(server.url, server.adminUrl, source);
    const environment = { DATABASE: server.url, ADMIN_DATABASE: server.adminUrl, JOURNALS: journals, SOURCE: source };
    const writers = new Crew('soak-writer-process.ts', environment, 2);
    const subscribers = new Crew('soak-subscriber-process.ts', environment, 3);
    const counts = { terminated: 0, crashes: 0 };
    const terminateSome = async () => {
      await withClient(server.adminUrl, (client) =>
        client.query(
          `select pg_terminate_backend(pid) from pg_stat_activity
         where backend_type = 'client backend' and pid <> pg_backend_pid() and random() < 0.3`,
        ),
      );
      counts.terminated++;
    };
    const crash = async () => {
      await server.crash();
      await server.start();
      counts.crashes++;
    };
    const deeds = [() => subscribers.killOne(), () => writers.killOne(), terminateSome, crash];
    try {
      for (const name of NAMES)
        await eventually(async () => expect(await readJournal(join(journals, name))).not.toEqual([]), {
          timeoutMs: 60_000,
        });
      const until = performance.now() + CHAOS_MS;
      for (let deed = 0; performance.now() < until; deed++) {
        await delay(atScale(700, 1_500) * (0.5 + Math.random()));
        await deeds[deed % deeds.length]?.();
      }
      writers.end();
      const history = await readHistory(server.adminUrl);
      for (const name of NAMES) {
        await eventually(
          async () => expect(judge(await readJournal(join(journals, name)), history)).toMatchObject({ lost: 0 }),
          { timeoutMs: 60_000, intervalMs: 200 },
        );
        const journal = await readJournal(join(journals, name));
        if (isSoak)
          console.log({
            source,
            name,
            committed: history.length,
            handedOver: journal.length,
            ...judge(journal, history),
          });
        expect(judge(journal, history)).toEqual({ lost: 0, rolledBack: 0, outOfOrder: 0 });
      }
      if (isSoak) console.log({ ...counts, subscribersKilled: subscribers.kills, writersKilled: writers.kills });
      expect(history.length).toBeGreaterThan(0);
    } finally {
      writers.end();
      subscribers.end();
      await rm(journals, { recursive: true, force: true });
    }
  },
);

/** Once the last backend of a killed writer has noticed. */
async function readHistory(adminUrl: string): Promise<Step[]> {
  return withClient(adminUrl, async (client) => {
    await eventually(async () => {
      const { rowCount } = await client.query(`select from pg_stat_activity where application_name = 'soak writer'`);
      expect(rowCount).toBe(0);
    });
    return (await client.query<Step>('select id, version, stamp from history')).rows;
  });
}

async function prepare(url: string, adminUrl: string, source: SourceKind): Promise<void> {
  await using store = await createDataStore({ connection: url, adminConnection: adminUrl });
  await store.register([account]);
  await (await createSubscriptions({ store, records: [account], source })).close();
  await withClient(adminUrl, (client) => client.query('create table history (id text, version int, stamp text)'));
}
