import type pg from 'pg';
import { serverProcessId } from '../exchange/pg-internals.ts';
import { INSTANCE_SETTING, ORG_SETTING } from '../exchange/scope-settings.ts';
import type { IsolationFinding } from './finding.ts';

interface ConnectionState {
  readonly role: string;
  readonly orgId: string | null;
  readonly instanceId: string | null;
  readonly hasTransaction: boolean;
}

const STATE = `
  select
    current_setting('role') as role,
    nullif(current_setting('${ORG_SETTING}', true), '') as "orgId",
    nullif(current_setting('${INSTANCE_SETTING}', true), '') as "instanceId",
    statement_timestamp() <> transaction_timestamp() as "hasTransaction"`;

/** Checks every connection that is idle now: none may still have the role or org of the tenant that used it last. */
export async function auditConnections(pool: pg.Pool): Promise<IsolationFinding[]> {
  const clients = await Promise.all(Array.from({ length: pool.idleCount }, () => pool.connect()));
  try {
    const states = await Promise.all(clients.map((client) => client.query<ConnectionState>(STATE)));
    return states.flatMap(({ rows }, index) => (rows[0] && isDirty(rows[0]) ? [finding(clients[index])] : []));
  } finally {
    for (const client of clients) client.release();
  }
}

const isDirty = ({ role, orgId, instanceId, hasTransaction }: ConnectionState): boolean =>
  role !== 'none' || orgId !== null || instanceId !== null || hasTransaction;

/** The report does not name that tenant, because anyone may read a report. */
function finding(client: pg.PoolClient | undefined): IsolationFinding {
  const processId = client ? serverProcessId(client) : null;
  return {
    rule: 'connection',
    subject: `connection ${processId}`,
    message: `the idle connection of server process ${processId} still carries a role, an org, an instance or a transaction from its last use`,
    sql: `select pg_terminate_backend(${processId})`,
  };
}
