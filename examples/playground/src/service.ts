import { randomBytes } from 'node:crypto';
import { createDataStore, type DataStore } from '@intendant/core';
import { createRealization, type Realization } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import pg from 'pg';
import { firewallRule, ROLES, virtualMachine } from './tables.ts';

export interface Service {
  readonly store: DataStore;
  readonly subscriptions: Subscriptions;
  readonly realization: Realization;
}

/** The three parts on one database. The service's login has no rights of its own, so row security applies to it. */
export async function openService(adminUrl: string): Promise<Service> {
  const store = await createDataStore({
    connection: await applicationLogin(adminUrl),
    adminConnection: adminUrl,
    pool: { max: 30 }, // shared by forty workers, the traffic and the console
  });
  const subscriptions = await createSubscriptions({ store, records: [virtualMachine, firewallRule] });
  const realization = await createRealization({ store, subscriptions });
  await realization.register([virtualMachine, firewallRule], { roles: ROLES });
  return { store, subscriptions, realization };
}

const LOGIN = 'playground_application';

async function applicationLogin(adminUrl: string): Promise<string> {
  const password = randomBytes(12).toString('hex');
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  try {
    const { rowCount } = await admin.query('select from pg_roles where rolname = $1', [LOGIN]);
    const verb = rowCount === 0 ? 'create' : 'alter';
    await admin.query(`${verb} role ${LOGIN} login noinherit password ${pg.escapeLiteral(password)}`);
  } finally {
    await admin.end();
  }
  const url = new URL(adminUrl);
  url.username = LOGIN;
  url.password = password;
  return url.href;
}
