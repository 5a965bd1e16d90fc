import { arrayLiteral, type DataStoreInternals, serviceScope } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { Share } from '../delivery/share.ts';
import { isLog, type LogVersion, logNotAnnounced } from '../log/timeline.ts';
import { serviceQuery } from '../service-query.ts';

/** The first number of members' advisory locks. It separates them from locks of other software. */
const MEMBER_LOCKS = 1768846437;

/**
 * How durable subscriptions divide work. The rows of a durable name are divided into slots, each with its own cursor. A
 * member is a subscription in some process. It holds the advisory lock of its member number on a connection, and is
 * alive as long as that connection; clocks play no role. Any role may take such a lock, so it counts only if it is held
 * by the server process that is stored with the number. So no other session can keep the slots of a dead member.
 *
 * Each slot has an owner, and an epoch that increases with every change of owner. Cursors are written and changes
 * acknowledged under owner and epoch, so a member that lost a slot and does not know it yet can no longer change
 * anything. Epochs come from one sequence, so they are not reused when a name is forgotten and created again.
 */
const HELD = `
select k.objid::int as member, k.pid from pg_locks k
where k.locktype = 'advisory' and k.classid = ${MEMBER_LOCKS} and k.objsubid = 2 and k.granted
  and k.database = (select oid from pg_database where datname = current_database())`;

export const LIVE_MEMBERS = `select m.name, m.member from intendant.cursor_member m join (${HELD}) k using (member, pid)`;

/**
 * Whether a slot has no live owner. Evaluated from the row itself and the current locks, so it is also correct for a
 * row that has just changed.
 */
const IS_FREE = `(c.owner is null or not exists (select from (${HELD}) k where k.member = c.owner and k.pid = c.owner_pid))`;

/** Error code: the name that `cursor_member` refers to was removed. */
const FOREIGN_KEY_VIOLATION = '23503';

/** A name, and the log to which this member's places belong. Nothing is stored if the database's log is another one. */
export interface NameInLog<Log = LogVersion | undefined> {
  readonly name: string;
  /** Undefined if the log was replaced. */
  readonly log: Log;
}

/** The state of a name as read by one member. */
export interface NameSituation {
  readonly member: number;
  /** Number of members of the name, this one included. */
  readonly members: number;
  /** Slots without a live owner. */
  readonly free: number;
  /** The member's own slots, with their epochs. */
  readonly slots: readonly number[];
  readonly epochs: readonly number[];
  /** False if the name was forgotten, even if it was created again since. */
  readonly isMember: boolean;
  /** Whether a dead letter is to be retried. */
  readonly hasDueLetters: boolean;
}

const READ_NAME_SITUATIONS = `
with held as materialized (${HELD})
select n.member,
  (select count(*)::int from intendant.cursor_member m join held using (member, pid) where m.name = n.name) as members,
  count(*) filter (where held.member is null)::int as free,
  coalesce(array_agg(c.slot order by c.slot) filter (where c.owner = n.member), '{}') as slots,
  coalesce(array_agg(c.epoch::float8 order by c.slot) filter (where c.owner = n.member), '{}') as epochs,
  exists (select from intendant.cursor_member m where m.name = n.name and m.member = n.member) as "isMember",
  exists (select from intendant.dead_letter d where d.name = n.name and d.is_due) as "hasDueLetters"
from unnest($1::text[], $2::int[]) n(name, member) join intendant.cursor c on c.name = n.name
left join held on held.member = c.owner and held.pid = c.owner_pid
group by n.name, n.member`;

export const readNameSituations = async (
  client: ClientBase,
  names: readonly string[],
  members: readonly number[],
): Promise<NameSituation[]> => (await client.query<NameSituation>(READ_NAME_SITUATIONS, [names, members])).rows;

/** Tries numbers in sequence first, and then at random, because others may hold the locks of the next numbers. */
const NEXT_MEMBER = [
  `select nextval('intendant.member_seq')::int as member`,
  ...Array(9).fill('select floor(random() * 2e9)::int as member'),
];

/**
 * Creates a member of the name, and removes members that are no longer alive. Returns undefined if the name does not
 * exist any more.
 */
export async function joinName(client: ClientBase, name: string): Promise<number | undefined> {
  const member = await takeNumber(client);
  await client.query(
    `delete from intendant.cursor_member where name = $1 and (name, member) not in (${LIVE_MEMBERS})`,
    [name],
  );
  return (await insertMember(client, name, member)) ? member : undefined;
}

async function takeNumber(client: ClientBase): Promise<number> {
  for (const next of NEXT_MEMBER) {
    const { rows } = await client.query<{ member: number; isTaken: boolean }>(
      `with next as materialized (${next}) select member, pg_try_advisory_lock(${MEMBER_LOCKS}, member) as "isTaken" from next`,
    );
    const [{ member, isTaken }] = rows as [(typeof rows)[number]];
    if (isTaken) return member;
  }
  throw new Error('no advisory lock is free for a member of a durable subscription');
}

async function insertMember(client: ClientBase, name: string, member: number): Promise<boolean> {
  try {
    await client.query('insert into intendant.cursor_member (name, member, pid) values ($1, $2, pg_backend_pid())', [
      name,
      member,
    ]);
    return true;
  } catch (error) {
    if ((error as { code?: string }).code !== FOREIGN_KEY_VIOLATION) throw error;
    await client.query(`select pg_advisory_unlock(${MEMBER_LOCKS}, $1)`, [member]);
    return false;
  }
}

export async function leaveName(client: ClientBase, name: string, member: number): Promise<void> {
  await client.query('delete from intendant.cursor_member where name = $1 and member = $2', [name, member]);
  await client.query(`select pg_advisory_unlock(${MEMBER_LOCKS}, $1)`, [member]);
}

/** Claims slots without a live owner, up to this number; none if the database's log is another one than announced. */
export async function claimSlots(
  client: ClientBase,
  { name, log }: NameInLog<LogVersion>,
  member: number,
  most: number,
): Promise<Share[]> {
  const { rows } = await client.query<{ slot: number; seq: string; epoch: string }>(
    `update intendant.cursor c set owner = $2, owner_pid = pg_backend_pid(), epoch = nextval('intendant.slot_epoch_seq')
     from (
       select c.slot from intendant.cursor c
       where c.name = $1 and ${IS_FREE} and ${isLog('$4', '$5')}
       order by c.slot limit $3 for update of c skip locked
     ) free
     where c.name = $1 and c.slot = free.slot
     returning c.slot, c.seq, c.epoch`,
    [name, member, most, log.logId, log.timeline],
  );
  return rows.map(({ slot, seq, epoch }) => new Share(Number(seq), slot, Number(epoch)));
}

const KEEP_CURSORS = `
update intendant.cursor c set seq = v.seq
from unnest($2::int[], $3::bigint[], $4::bigint[]) v(slot, epoch, seq)
where c.name = $1 and c.slot = v.slot and c.epoch = v.epoch and c.owner is not null and c.seq <> v.seq
  and ${isLog('$5', '$6')}`;

/** Stores the progress of those shares that this member still owns. */
export async function keepCursors(
  { executor }: DataStoreInternals,
  { name, log }: NameInLog<LogVersion>,
  shares: readonly Share[],
): Promise<void> {
  const list = (values: readonly number[]) => arrayLiteral(values.map(String));
  const slots = list(shares.map(({ slot }) => slot));
  const epochs = list(shares.map(({ epoch }) => epoch));
  const places = list(shares.map(({ progress }) => progress.place));
  const cursors = {
    name: 'keep-cursors',
    text: KEEP_CURSORS,
    values: [name, slots, epochs, places, log.logId, log.timeline],
  };
  await executor.run(serviceScope, { cursors });
}

/** Releases slots, and stores the place that they have reached. */
export async function releaseSlots(
  internals: DataStoreInternals,
  { name, log }: NameInLog<LogVersion>,
  shares: readonly Share[],
): Promise<void> {
  await serviceQuery(
    internals,
    `update intendant.cursor c set seq = v.seq, owner = null
     from unnest($2::int[], $3::bigint[], $4::bigint[]) v(slot, epoch, seq)
     where c.name = $1 and c.slot = v.slot and c.epoch = v.epoch and ${isLog('$5', '$6')}`,
    [
      name,
      shares.map(({ slot }) => slot),
      shares.map(({ epoch }) => epoch),
      shares.map(({ progress }) => progress.place),
      log.logId,
      log.timeline,
    ],
  );
}

/** Releases slots that the member owns and does not work on. */
export async function freeSlots(
  client: ClientBase,
  name: string,
  member: number,
  slots: readonly number[],
): Promise<void> {
  await client.query(
    `update intendant.cursor set owner = null, epoch = nextval('intendant.slot_epoch_seq')
     where name = $1 and owner = $2 and slot = any($3::int[])`,
    [name, member, slots],
  );
}

/** Returns the cursors of all slots, in the order of slots; with a log, only if the database's log is that one. */
export async function readCursors(internals: DataStoreInternals, { name, log }: NameInLog): Promise<number[]> {
  const { rows } = await serviceQuery<{ seq: string; isCurrent: boolean }>(
    internals,
    `select seq, $2::text is null or ${isLog('$2', '$3')} as "isCurrent" from intendant.cursor where name = $1 order by slot`,
    [name, log?.logId ?? null, log?.timeline ?? ''],
  );
  if (rows.some(({ isCurrent }) => !isCurrent)) throw logNotAnnounced();
  return rows.map(({ seq }) => Number(seq));
}
