import { ConfigurationError } from '@intendant/core';
import { DedicatedConnection, pause, serverProcessId } from '@intendant/core/internal';
import type pg from 'pg';

/**
 * LISTEN and session locks need a server session of their own. Whether a connection has one is checked by its
 * behaviour, not by whether a notification happens to arrive:
 *
 * - A client that is connected to Postgres itself, or through a plain TCP proxy, receives its session's process id when
 *   it connects. If its statements run in that process, the session is the client's own.
 * - A pooler speaks the protocol itself and invents the process id. Then two clients run transactions alternately. In
 *   transaction mode the pooler releases a session after each transaction, so another client gets it, or the first
 *   client gets another one: this shows at the latest when both clients have held a session at the same time and
 *   released them in both orders. In session mode neither can happen.
 */
const ROUNDS = 6;
/** A pooler with only one server session cannot begin the second transaction before the first has ended. */
const SECOND_MS = 200;

/** Throws ConfigurationError if the connection leads through a pooler that shares server sessions. */
export async function refusePooler(connection: pg.ClientConfig): Promise<void> {
  await using first = await open(connection);
  const process = await processOf(first);
  if (process === serverProcessId(first.client)) return;
  await using second = await open(connection);
  if (await shareSessions(first, second)) throw refused();
}

const open = (connection: pg.ClientConfig): Promise<DedicatedConnection> =>
  DedicatedConnection.open({
    connection,
    applicationName: 'intendant pooler test',
    // Gives the session a state, for poolers that then reserve it for its client.
    setUp: `select set_config('intendant.pooler_test', 'on', false)`,
  });

async function processOf({ client }: DedicatedConnection): Promise<number> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid');
  return rows[0]?.pid as number;
}

async function shareSessions(first: DedicatedConnection, second: DedicatedConnection): Promise<boolean> {
  const ofFirst = new Set([await processOf(first)]);
  const ofSecond = new Set([await processOf(second)]);
  for (let round = 0; round < ROUNDS && areApart(ofFirst, ofSecond); round++)
    await takeTurns([first, second], [ofFirst, ofSecond], round % 2 === 0);
  return !areApart(ofFirst, ofSecond);
}

/** Whether each client has used only one session, and not the same one. */
const areApart = (left: ReadonlySet<number>, right: ReadonlySet<number>): boolean =>
  left.size === 1 && right.size === 1 && ![...left].some((pid) => right.has(pid));

type Pair<T> = readonly [T, T];

/** Both clients hold a transaction at the same time, and end it in the given order. */
async function takeTurns(
  [first, second]: Pair<DedicatedConnection>,
  [ofFirst, ofSecond]: Pair<Set<number>>,
  commitsFirstEarlier: boolean,
): Promise<void> {
  ofFirst.add(await begin(first));
  const begun = begin(second);
  const isHeld = await Promise.race([begun.then(() => true), pause(SECOND_MS).then(() => false)]);
  if (!isHeld || commitsFirstEarlier) await first.client.query('commit');
  ofSecond.add(await begun);
  await second.client.query('commit');
  if (isHeld && !commitsFirstEarlier) await first.client.query('commit');
}

async function begin(connection: DedicatedConnection): Promise<number> {
  await connection.client.query('begin');
  return processOf(connection);
}

const refused = (): ConfigurationError =>
  new ConfigurationError(
    'createSubscriptions: `connection` leads through a pooler in transaction mode, where LISTEN and session locks do not work: give `connection` the address of Postgres itself. The store may stay behind the pooler',
    { details: { option: 'connection' } },
  );
