import { join } from 'node:path';
import { crashableServer } from '@intendant/devdb/testing';
import pino from 'pino';
import { type HistoryWriter, monotonicMs, openHistory } from '../history/history-writer.ts';
import { CALLERS } from '../isolation/caller.ts';
import { CLI_ENTRY_POINTS } from '../isolation/cli-entry-points.ts';
import { CORE_ENTRY_POINTS } from '../isolation/core-entry-points.ts';
import type { EntryPoint, SystemUnderTest } from '../isolation/entry-point.ts';
import { findSlowParsers } from '../isolation/find-slow-parsers.ts';
import { HTTP_ENTRY_POINTS } from '../isolation/http-entry-points.ts';
import { openSystemUnderTest } from '../isolation/open-system-under-test.ts';
import { PROTO_ENTRY_POINTS } from '../isolation/proto-entry-points.ts';
import { REALIZATION_ENTRY_POINTS } from '../isolation/realization-entry-points.ts';
import { ResponseRecorder } from '../isolation/response-recorder.ts';
import { SQL_ENTRY_POINTS } from '../isolation/sql-entry-points.ts';
import { cell } from '../isolation/tables.ts';
import { nameOf } from '../process/outcome.ts';
import { type Random, randomFrom } from '../random.ts';
import { breakServer } from '../world/break-server.ts';
import { readLogs } from './read-logs.ts';
import type { Scenario, ScenarioRun } from './scenario.ts';

const ENTRY_POINTS = [
  ...CORE_ENTRY_POINTS,
  ...REALIZATION_ENTRY_POINTS,
  ...PROTO_ENTRY_POINTS,
  ...HTTP_ENTRY_POINTS,
  ...CLI_ENTRY_POINTS,
  ...SQL_ENTRY_POINTS,
];
const CALLERS_AT_ONCE = 8;
/** Writes that an auditor's role must not be allowed; other errors may come first. */
const REFUSED = new Set(['OperationNotAllowedError', 'InvalidRecordError', 'RecordNotFoundError']);

export const isolation: Scenario = {
  name: 'isolation',
  about:
    'tenants of all kinds call through every entry point at once, with hostile values; every value carries its owner',
  weight: 1,
  run: async (run) => {
    await using resources = new AsyncDisposableStack();
    const server = resources.use(await crashableServer());
    const history = openHistory(run.history);
    const { password } = new URL(server.url);
    const recorder = new ResponseRecorder(history, [password]);
    const logger = pino({ level: 'trace' }, pino.destination({ dest: join(run.folder, 'log.jsonl'), sync: true }));
    const system = resources.use(
      await openSystemUnderTest({ ...server, url: server.url, adminUrl: server.adminUrl, logger }, (owner, received) =>
        recorder.result(owner, 'handler of a worker', received),
      ),
    );
    await breakServer({ server }, run.broken);
    await followFeeds(system, recorder);
    const untilMs = monotonicMs() + run.durationMs;
    const random = randomFrom(run.seed, 'isolation');
    const callers = Array.from({ length: CALLERS_AT_ONCE }, () => call(system, recorder, random, run, untilMs));
    const calls = (await Promise.all(callers)).reduce((sum, count) => sum + count, 0);
    await findSlowParsers(system, recorder);
    reportPollution(recorder);
    readLogs(run, history, [password]);
    report(history, calls);
  },
};

/** One caller after the other, each through a random interface. */
async function call(
  system: SystemUnderTest,
  recorder: ResponseRecorder,
  random: Random,
  run: ScenarioRun,
  untilMs: number,
): Promise<number> {
  let calls = 0;
  for (; monotonicMs() < untilMs && !run.signal.aborted; calls++) {
    const entryPoint = random.pick(ENTRY_POINTS);
    const caller = random.pick(CALLERS);
    try {
      const result = await entryPoint.call(system, caller, random);
      recorder.result(caller.owner, entryPoint.name, result);
      if (entryPoint.writes && caller.role === 'tenant_auditor')
        recorder.violation('an auditor changes nothing', entryPoint.name);
    } catch (error) {
      recorder.error(caller.owner, entryPoint.name, error);
      reportError(recorder, entryPoint, caller.role, error);
    }
  }
  return calls;
}

function reportError(recorder: ResponseRecorder, entryPoint: EntryPoint, role: string, error: unknown): void {
  const name = nameOf(error);
  if (entryPoint.writes && role === 'tenant_auditor' && !REFUSED.has(name))
    recorder.violation('an auditor is refused', `${entryPoint.name}: ${name}`);
  const isSql = entryPoint.name.startsWith('SQL');
  if (!isSql && !(error instanceof Error && 'code' in error))
    recorder.violation('every error is one of the catalogue', `${entryPoint.name}: ${name}: ${String(error)}`);
}

/** Each tenant follows both tables with its own context. */
async function followFeeds({ subscriptions }: SystemUnderTest, recorder: ResponseRecorder): Promise<void> {
  for (const { context, owner, role } of CALLERS) {
    if (role !== 'tenant_admin') continue;
    for (const table of ['doc', cell.name])
      await subscriptions.subscribe(table, async (change) => recorder.result(owner, `feed of ${table}`, change), {
        as: context,
      });
  }
}

function reportPollution(recorder: ResponseRecorder): void {
  const polluted = Object.keys(Object.prototype);
  if (polluted.length > 0 || 'polluted' in {}) recorder.violation('no prototype is changed', polluted.join(', '));
}

function report(history: HistoryWriter, calls: number): void {
  history.write({
    kind: 'figure',
    name: 'calls through entry points',
    value: calls,
    unit: `calls through ${ENTRY_POINTS.length} entry points`,
  });
}
