import {
  arrayLiteral,
  type Executor,
  type Scope,
  type Statement,
  type StatementResult,
} from '@intendant/core/internal';
import { type Identity, identityArrays, identityKey, identitySql } from '../resource/identity-set.ts';
import { settledResourcesOf } from '../resource/resource-rows.ts';
import { isAlive, POINT_COLUMN, perStatusTables, type StatusTables } from '../resource/status-tables.ts';
import { MAX_DETAILS_LENGTH } from './details.ts';
import { markFunction } from './mark-function.ts';
import {
  deleteUnknownStatus,
  type ErrorNote,
  IS_LOCKED,
  insertOrLockOverallStatus,
  lockFreeOverallStatus,
  lockOverallStatus,
  type RevisionToLock,
  recomputeLocked,
} from './overall-status.ts';
import { isRemovedPoint } from './removed-point.ts';
import { STATUS_WEIGHTS } from './status.ts';

/*
 * A single mark is a call of the table's function (mark-function.ts). Several marks, and the rare one without an
 * overall row to lock, are a set:
 *
 * One exchange locks the overall rows, checks and writes the marks, and recomputes. Each mark is checked separately,
 * against the revision in the database and not one that was read earlier. A refused mark changes nothing and does not
 * fail others. Refusals are returned as rows, not as errors, so a surrounding transaction stays usable. Marks without
 * a row to lock are repeated, with a row that was created for them.
 *
 * Only the first statement of a transaction that locks rows of the set may wait. A resource that was missing then may be
 * created and locked by others a moment later: waiting for it, with the rest of the set locked, could be a deadlock. To these
 * marks it is missing.
 */

/** A mark: what is reported about one resource at one enforcement point. */
export interface Mark {
  readonly identity: Identity;
  readonly revision: number;
  readonly enforcementPoint: string;
  readonly status: MarkedStatus;
  /** Whether the report concerns the resource's removal from the point. */
  readonly isRemoval: boolean;
  /** The message of an ERROR. */
  readonly message?: string | undefined;
  /**
   * If true, the mark counts only while the work is still wanted: if the resource was removed from the point, or placed
   * there again, at the same revision, the mark is stale. For workers, which started from the old row.
   */
  readonly isFenced?: boolean;
}

export type MarkedStatus = Exclude<keyof typeof STATUS_WEIGHTS, 'UNKNOWN'>;

/** `unlocked` is used only in this file: there was no overall row to lock. */
export type MarkVerdict = 'accepted' | 'stale' | 'unknown-revision' | 'missing' | 'removed-point' | 'unlocked';

export interface MarkResult {
  readonly verdict: MarkVerdict;
  /** The current revision of the resource; null if the resource is unknown. */
  readonly currentRevision: number | null;
}

/**
 * How the rows of a set are locked: `wait` locks those that exist, `insert` also inserts missing ones; `held`: this
 * transaction has locked them already.
 */
type Locking = 'wait' | 'insert' | 'held';

/** Returns results in the order of the marks. Marks of one resource at one point are written one after the other. */
export async function writeMarks(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  marks: readonly Mark[],
): Promise<MarkResult[]> {
  const [mark] = marks;
  const single = mark && marks.length === 1 ? await writeOneMark(executor, scope, tables, mark, false) : undefined;
  if (single) return [single];
  return writeWaves(marks, async (wave) => {
    const judged = await judge(executor, scope, tables, wave, 'wait');
    return withoutUnlocked(wave, judged, (again) => judge(executor, scope, tables, again, 'insert'));
  });
}

/** Writes a set whose overall rows this transaction has locked or inserted, as `insertOrLockOverallStatus` does. */
export const writeLockedMarks = (
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  marks: readonly Mark[],
): Promise<MarkResult[]> =>
  writeWaves(marks, async (wave) => (await judge(executor, scope, tables, wave, 'held')).map(missingIfUnlocked));

async function writeWaves(
  marks: readonly Mark[],
  write: (wave: readonly Mark[]) => Promise<MarkResult[]>,
): Promise<MarkResult[]> {
  const results: MarkResult[] = [];
  for (const wave of inWaves(marks)) {
    const judged = await write(wave.map(({ mark }) => mark));
    for (const [turn, { index }] of wave.entries()) results[index] = judged[turn] as MarkResult;
  }
  return results;
}

/** Writes a mark, with a job if requested, by the function. Undefined: the function cannot do it, and nothing has changed. */
export async function writeOneMark(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  mark: Mark,
  addsJob: boolean,
): Promise<MarkResult | undefined> {
  const call = markOne(tables, mark, addsJob);
  if (call === undefined) return undefined;
  const { written } = await executor.run(scope, { written: call });
  const [result] = readVerdicts(written);
  return result?.verdict === 'unlocked' ? undefined : result;
}

/** The results, with those of marks that had no row to lock replaced by the results of a repetition. */
async function withoutUnlocked(
  marks: readonly Mark[],
  judged: readonly MarkResult[],
  repeat: (marks: readonly Mark[]) => Promise<MarkResult[]>,
): Promise<MarkResult[]> {
  const unlocked = judged.flatMap(({ verdict }, index) => (verdict === 'unlocked' ? index : []));
  if (unlocked.length === 0) return [...judged];
  const results = [...judged];
  const repeated = await repeat(unlocked.map((index) => marks[index] as Mark));
  for (const [turn, index] of unlocked.entries()) results[index] = missingIfUnlocked(repeated[turn] as MarkResult);
  return results;
}

const missingIfUnlocked = (result: MarkResult): MarkResult =>
  result.verdict === 'unlocked' ? { ...result, verdict: 'missing' } : result;

async function judge(
  executor: Executor,
  scope: Scope,
  tables: StatusTables,
  marks: readonly Mark[],
  locking: Locking,
): Promise<MarkResult[]> {
  const identities = marks.map(({ identity }) => identity);
  const { judged } = await executor.run(scope, {
    insert: locking === 'insert' ? insertOrLockOverallStatus(tables, marks.map(lockOf)) : undefined,
    lock: locking === 'wait' ? lockOverallStatus(tables, identities) : lockFreeOverallStatus(tables, identities),
    judged: judgeAndWrite(tables, marks),
    drop: locking === 'insert' ? deleteUnknownStatus(tables, identities) : undefined,
    recompute: recomputeLocked(tables, marks.map(errorNote)),
  });
  return readVerdicts(judged);
}

/** A statement may write a row once, so several marks for one resource at one point go one after the other. */
function inWaves(marks: readonly Mark[]): { mark: Mark; index: number }[][] {
  const waves: { mark: Mark; index: number }[][] = [];
  const times = new Map<string, number>();
  marks.forEach((mark, index) => {
    const place = `${mark.enforcementPoint} ${identityKey(mark.identity)}`;
    const turn = times.get(place) ?? 0;
    times.set(place, turn + 1);
    const wave = waves[turn] ?? [];
    wave.push({ mark, index });
    waves[turn] = wave;
  });
  return waves;
}

function markOne(tables: StatusTables, mark: Mark, addsJob: boolean): Statement | undefined {
  const text = markOneSql(tables);
  if (text === undefined) return undefined;
  const { identity, enforcementPoint, revision, status, isRemoval, isFenced = false } = mark;
  const values = [
    ...identity,
    enforcementPoint,
    String(revision),
    String(STATUS_WEIGHTS[status]),
    String(isRemoval),
    detailsOf(mark),
    String(isFenced),
    String(addsJob),
  ];
  return { name: 'mark', text, values };
}

const markOneSql = perStatusTables((tables) => {
  const mark = markFunction(tables);
  return (
    mark && `select verdict, revision from ${mark.name}(${mark.parameters}) as marked (verdict text, revision bigint)`
  );
});

const readVerdicts = ({ rows }: StatementResult): MarkResult[] => rows.map(readVerdict);

const readVerdict = ([verdict, revision]: readonly (string | null)[]): MarkResult => ({
  verdict: verdict as MarkVerdict,
  currentRevision: revision === null || revision === undefined ? null : Number(revision),
});

const errorNote = (mark: Mark): ErrorNote => ({
  identity: mark.identity,
  revision: mark.revision,
  text: detailsOf(mark),
});

/** For a resource that does not exist, a row is created only for the report of its removal. */
export const lockOf = ({ identity, revision, isRemoval }: Mark): RevisionToLock => ({
  identity,
  revision,
  makesRow: isRemoval,
});

const detailsOf = ({ status, message, revision }: Mark): string | null =>
  status === 'ERROR' ? `ERROR ${message ?? ''} at revision ${revision}` : null;

const judgeAndWrite = (tables: StatusTables, marks: readonly Mark[]): Statement => ({
  name: 'judge-and-write-marks',
  text: judgeAndWriteSql(tables),
  values: [
    ...identityArrays(
      tables.overall,
      marks.map(({ identity }) => identity),
    ),
    arrayLiteral(marks.map(({ enforcementPoint }) => enforcementPoint)),
    arrayLiteral(marks.map(({ revision }) => String(revision))),
    arrayLiteral(marks.map(({ status }) => String(STATUS_WEIGHTS[status]))),
    arrayLiteral(marks.map(({ isRemoval }) => String(isRemoval))),
    arrayLiteral(marks.map(detailsOf)),
    arrayLiteral(marks.map(({ isFenced = false }) => String(isFenced))),
  ],
});

/**
 * A mark needs the resource to exist with exactly this revision. A removal needs only the current revision, because
 * the resource may be deleted or unknown. Whether the point was removed is checked only if the resource does not
 * exist or is being removed.
 */
const judgeAndWriteSql = perStatusTables((tables) => {
  const identity = identitySql(tables.overall);
  const next = identity.parameterCount + 1;
  const clearing = `${STATUS_WEIGHTS.REALIZED}, ${STATUS_WEIGHTS.DELETION_REALIZED}`;
  return `
    with item as (
      select * from unnest(${identity.arrays},
          $${next}::text[], $${next + 1}::bigint[], $${next + 2}::integer[], $${next + 3}::boolean[], $${next + 4}::text[], $${next + 5}::boolean[])
        with ordinality as i (${identity.columns}, intendant_point, intendant_revision, intendant_status, intendant_is_removal, intendant_note, intendant_is_fenced, intendant_ordinal)
    ),
    known as (
      select i.*, ${isAlive(tables, 'r')} as intendant_is_alive, coalesce(r.revision, o.resource_revision) as intendant_current,
        e.resource_revision as intendant_stored, e.is_removal as intendant_is_leaving
      from item i
      left join ${tables.overall.qualifiedName} o on ${identity.same('o', 'i')}
      left join ${settledResourcesOf(tables, 'i', 'item i')}
      left join ${tables.enforcement.qualifiedName} e on ${identity.same('e', 'i')} and e.${POINT_COLUMN} = i.intendant_point
    ),
    judged as (
      select known.*, case
          when not (${IS_LOCKED}) then 'unlocked'
          when not known.intendant_is_removal and not known.intendant_is_alive then 'missing'
          when known.intendant_revision < known.intendant_stored
            or known.intendant_is_fenced and known.intendant_is_leaving <> known.intendant_is_removal then 'stale'
          when not known.intendant_is_removal and coalesce(known.intendant_is_leaving, true)
            and (${isRemovedPoint('known.intendant_point')}) then 'removed-point'
          when known.intendant_current is null or known.intendant_revision = known.intendant_current then 'accepted'
          when known.intendant_revision < known.intendant_current then 'stale'
          else 'unknown-revision' end as intendant_verdict
      from known
    ),
    written as (
      insert into ${tables.enforcement.qualifiedName} as e
        (${identity.columns}, ${POINT_COLUMN}, realization_status, additional_details, resource_revision, is_removal)
      select ${identity.of('j')}, j.intendant_point, j.intendant_status, left(coalesce(j.intendant_note, ''), ${MAX_DETAILS_LENGTH}),
        j.intendant_revision, j.intendant_is_removal
      from judged j where j.intendant_verdict = 'accepted'
      order by ${identity.of('j')}, j.intendant_point
      on conflict (${identity.columns}, ${POINT_COLUMN}) do update
      set realization_status = excluded.realization_status, resource_revision = excluded.resource_revision,
        is_removal = excluded.is_removal, updated_at = clock_timestamp(),
        attempt = case when excluded.realization_status = ${STATUS_WEIGHTS.ERROR} then e.attempt end,
        additional_details = case
          when excluded.realization_status in (${clearing}) then ''
          else left(concat_ws('; ', nullif(excluded.additional_details, ''), nullif(e.additional_details, '')), ${MAX_DETAILS_LENGTH})
          end
      where excluded.realization_status = ${STATUS_WEIGHTS.ERROR}
        or (e.realization_status, e.resource_revision, e.is_removal)
          is distinct from (excluded.realization_status, excluded.resource_revision, excluded.is_removal)
    )
    select j.intendant_verdict, j.intendant_current from judged j order by j.intendant_ordinal`;
});
