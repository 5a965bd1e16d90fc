import { connectClient, readConnection, serverProcessId } from '@intendant/core/internal';
import pg from 'pg';
import type { Check } from './examination.ts';

/** A pooler sends clients a process number that no server process has. */
export const checkPooler: Check = async ({ workspace }) => {
  const client = new pg.Client(readConnection('connection', workspace.settings.connection));
  client.on('error', () => {}); // The statement under way rejects with it.
  await connectClient(client);
  try {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
    if (rows[0]?.pid === serverProcessId(client)) return [];
  } finally {
    await client.end();
  }
  return [
    {
      check: 'pooler',
      severity: 'warning',
      subject: 'connection',
      message: 'it leads through a connection pooler; LISTEN does not work through one in transaction mode',
      cure: 'Pass a direct connection to Postgres to createSubscriptions (option connection).',
    },
  ];
};
