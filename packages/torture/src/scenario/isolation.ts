import { join } from 'node:path';
import { crashableServer } from '@intendant/devdb/testing';
import pino from 'pino';
import { type HistoryWriter, monotonicMs, openHistory } from '../history/history-writer.ts';
import { CALLERS } from '../isolation/caller.ts';
import { CLI_DOORS } from '../isolation/cli-doors.ts';
import { CORE_DOORS } from '../isolation/core-doors.ts';
import type { Building, Door } from '../isolation/door.ts';
import { findSlowParsers } from '../isolation/find-slow-parsers.ts';
import { HTTP_DOORS } from '../isolation/http-doors.ts';
import { openBuilding } from '../isolation/open-building.ts';
import { PROTO_DOORS } from '../isolation/proto-doors.ts';
import { REALIZATION_DOORS } from '../isolation/realization-doors.ts';
import { SQL_DOORS } from '../isolation/sql-doors.ts';
import { cell } from '../isolation/tables.ts';
import { Witness } from '../isolation/witness.ts';
import { nameOf } from '../process/outcome.ts';
import { type Random, randomFrom } from '../random.ts';
import { breakServer } from '../world/break-server.ts';
import { readLogs } from './read-logs.ts';
import type { Scenario, ScenarioRun } from './scenario.ts';

const DOORS = [...CORE_DOORS, ...REALIZATION_DOORS, ...PROTO_DOORS, ...HTTP_DOORS, ...CLI_DOORS, ...SQL_DOORS];
const CALLERS_AT_ONCE = 8;
/** Writes that an auditor's role must not be allowed; other errors may come first. */
const REFUSED = new Set(['OperationNotAllowedError', 'InvalidRecordError', 'RecordNotFoundError']);

export const isolation: Scenario = {
  name: 'isolation',
  about: 'tenants of all kinds call through every door at once, with hostile values; every value carries its owner',
  weight: 1,
  run: async (run) => {
    await using resources = new AsyncDisposableStack();
    const server = resources.use(await crashableServer());
    const history = openHistory(run.history);
    const { password } = new URL(server.url);
    const witness = new Witness(history, [password]);
    const logger = pino({ level: 'trace' }, pino.destination({ dest: join(run.folder, 'log.jsonl'), sync: true }));
    const building = resources.use(
      await openBuilding({ ...server, url: server.url, adminUrl: server.adminUrl, logger }, (owner, received) =>
        witness.answer(owner, 'handler of a worker', received),
      ),
    );
    await breakServer({ server }, run.broken);
    await followFeeds(building, witness);
    const untilMs = monotonicMs() + run.durationMs;
    const random = randomFrom(run.seed, 'isolation');
    const crowd = Array.from({ length: CALLERS_AT_ONCE }, () => call(building, witness, random, run, untilMs));
    const calls = (await Promise.all(crowd)).reduce((sum, count) => sum + count, 0);
    await findSlowParsers(building, witness);
    complainOfPollution(witness);
    readLogs(run, history, [password]);
    report(history, calls);
  },
};

/** One caller after the other, each through a random interface. */
async function call(
  building: Building,
  witness: Witness,
  random: Random,
  run: ScenarioRun,
  untilMs: number,
): Promise<number> {
  let calls = 0;
  for (; monotonicMs() < untilMs && !run.signal.aborted; calls++) {
    const door = random.pick(DOORS);
    const caller = random.pick(CALLERS);
    try {
      const answer = await door.open(building, caller, random);
      witness.answer(caller.owner, door.name, answer);
      if (door.writes && caller.role === 'tenant_auditor') witness.complain('an auditor changes nothing', door.name);
    } catch (error) {
      witness.error(caller.owner, door.name, error);
      complainOfError(witness, door, caller.role, error);
    }
  }
  return calls;
}

function complainOfError(witness: Witness, door: Door, role: string, error: unknown): void {
  const name = nameOf(error);
  if (door.writes && role === 'tenant_auditor' && !REFUSED.has(name))
    witness.complain('an auditor is refused', `${door.name}: ${name}`);
  const isSql = door.name.startsWith('SQL');
  if (!isSql && !(error instanceof Error && 'code' in error))
    witness.complain('every error is one of the catalogue', `${door.name}: ${name}: ${String(error)}`);
}

/** Each tenant follows both tables with its own context. */
async function followFeeds({ subscriptions }: Building, witness: Witness): Promise<void> {
  for (const { context, owner, role } of CALLERS) {
    if (role !== 'tenant_admin') continue;
    for (const table of ['doc', cell.name])
      await subscriptions.subscribe(table, async (change) => witness.answer(owner, `feed of ${table}`, change), {
        as: context,
      });
  }
}

function complainOfPollution(witness: Witness): void {
  const polluted = Object.keys(Object.prototype);
  if (polluted.length > 0 || 'polluted' in {}) witness.complain('no prototype is changed', polluted.join(', '));
}

function report(history: HistoryWriter, calls: number): void {
  history.write({
    kind: 'figure',
    name: 'calls through doors',
    value: calls,
    unit: `calls through ${DOORS.length} doors`,
  });
}
