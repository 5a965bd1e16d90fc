/**
 * Follows the soak's table under its durable names, and may lead the relay. Each handled change becomes a line of the
 * name's journal.
 */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createDataStore } from '@intendant/core';
import { createSubscriptions } from '../create-subscriptions.ts';
import type { SourceKind } from '../log/source-kind.ts';
import { account, NAMES } from './soak-tables.ts';

const { DATABASE = '', ADMIN_DATABASE = '', JOURNALS = '', SOURCE = 'triggers' } = process.env;

async function follow(): Promise<void> {
  const store = await createDataStore({ connection: DATABASE, adminConnection: ADMIN_DATABASE, pool: { max: 4 } });
  await store.register([account]);
  const subscriptions = await createSubscriptions({ store, records: [account], source: SOURCE as SourceKind });
  for (const name of NAMES) {
    await subscriptions.subscribe(
      account,
      async ({ record }) => {
        await delay(Math.random() * 2);
        appendFileSync(join(JOURNALS, name), `${record?.id} ${record?.version} ${record?.stamp}\n`);
      },
      { name, from: 'beginning', concurrency: 8 },
    );
  }
}

/** The server may be down when this process starts. */
async function insist(): Promise<void> {
  for (;;) {
    try {
      return await follow();
    } catch {
      await delay(200);
    }
  }
}

process.on('disconnect', () => process.exit(0));
await insist();
process.send?.('ready');
