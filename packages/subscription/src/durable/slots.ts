import { arrayLiteral, type DataStoreInternals, serviceScope } from '@intendant/core/internal';
import type { ClientBase } from 'pg';
import { Share } from '../delivery/share.ts';
import { MEMBER_LOCKS } from '../log/names.ts';
import { serviceQuery } from '../service-query.ts';

/*
 * Who works on what. A durable name's rows are dealt out in slots, each with a cursor of its own. A member is a
 * subscription of some process, alive as long as the connection lives on which it holds the advisory lock of its number: no
 * clock is asked. Each slot carries its owner and an epoch that grows with every change of hands. Cursors are written, and
 * changes acknowledged, under owner and epoch: a member that lost a slot and does not know it yet can no longer move
 * anything. Epochs come from one sequence, so that they are not used again when a name is forgotten and made anew.
 */
export const LIVE_MEMBERS = `
select objid::int as member from pg_locks
where locktype = 'advisory' and classid = ${MEMBER_LOCKS} and objsubid = 2 and granted
  and database = (select oid from pg_database where datname = current_database())`;

/** The name is gone, which `cursor_member` refers to. */
const FOREIGN_KEY_VIOLATION = '23503';

/** What one look at a name shows a member. */
export interface NameSituation {
  readonly member: number;
  /** How many work under the name, this one included. */
  readonly members: number;
  /** Slots without a live owner. */
  readonly free: number;
  /** The member's own slots, and their epochs. */
  readonly slots: readonly number[];
  readonly epochs: readonly number[];
  /** False when the name was forgotten, and perhaps made anew by others. */
  readonly isMember: boolean;
  /** Some dead letter is to be tried again. */
  readonly hasDueLetters: boolean;
}

const LOOK_AT_NAMES = `
with live as materialized (${LIVE_MEMBERS})
select n.member,
  (select count(*)::int from intendant.cursor_member m join live using (member) where m.name = n.name) as members,
  count(*) filter (where c.owner is null or c.owner not in (select member from live))::int as free,
  coalesce(array_agg(c.slot order by c.slot) filter (where c.owner = n.member), '{}') as slots,
  coalesce(array_agg(c.epoch::float8 order by c.slot) filter (where c.owner = n.member), '{}') as epochs,
  exists (select from intendant.cursor_member m where m.name = n.name and m.member = n.member) as "isMember",
  exists (select from intendant.dead_letter d where d.name = n.name and d.is_due) as "hasDueLetters"
from unnest($1::text[], $2::int[]) n(name, member) join intendant.cursor c on c.name = n.name
group by n.name, n.member`;

export const lookAtNames = async (
  client: ClientBase,
  names: readonly string[],
  members: readonly number[],
): Promise<NameSituation[]> => (await client.query<NameSituation>(LOOK_AT_NAMES, [names, members])).rows;

/**
 * Makes a new member that works under the name, and removes those that no longer live. Returns undefined if there is no
 * such name any more.
 */
export async function joinName(client: ClientBase, name: string): Promise<number | undefined> {
  const { rows } = await client.query<{ member: number }>(`select nextval('intendant.member_seq')::int as member`);
  const { member } = rows[0] as { member: number };
  await client.query(`select pg_advisory_lock(${MEMBER_LOCKS}, $1)`, [member]);
  await client.query(`delete from intendant.cursor_member where name = $1 and member not in (${LIVE_MEMBERS})`, [name]);
  return (await insertMember(client, name, member)) ? member : undefined;
}

async function insertMember(client: ClientBase, name: string, member: number): Promise<boolean> {
  try {
    await client.query('insert into intendant.cursor_member (name, member) values ($1, $2)', [name, member]);
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

/** Takes slots without a live owner, up to this number. */
export async function claimSlots(client: ClientBase, name: string, member: number, most: number): Promise<Share[]> {
  const { rows } = await client.query<{ slot: number; seq: string; epoch: string }>(
    `update intendant.cursor c set owner = $2, epoch = nextval('intendant.slot_epoch_seq')
     from (
       select slot from intendant.cursor
       where name = $1 and (owner is null or owner not in (${LIVE_MEMBERS}))
       order by slot limit $3 for update skip locked
     ) free
     where c.name = $1 and c.slot = free.slot
     returning c.slot, c.seq, c.epoch`,
    [name, member, most],
  );
  return rows.map(({ slot, seq, epoch }) => new Share(Number(seq), slot, Number(epoch)));
}

const KEEP_CURSORS = `
update intendant.cursor c set seq = v.seq
from unnest($2::int[], $3::bigint[], $4::bigint[]) v(slot, epoch, seq)
where c.name = $1 and c.slot = v.slot and c.epoch = v.epoch and c.owner is not null and c.seq <> v.seq`;

/** Writes how far the shares are, as far as they are still ours. */
export async function keepCursors(
  { executor }: DataStoreInternals,
  name: string,
  shares: readonly Share[],
): Promise<void> {
  const list = (values: readonly number[]) => arrayLiteral(values.map(String));
  const slots = list(shares.map(({ slot }) => slot));
  const epochs = list(shares.map(({ epoch }) => epoch));
  const places = list(shares.map(({ progress }) => progress.place));
  const cursors = { name: 'keep-cursors', text: KEEP_CURSORS, values: [name, slots, epochs, places] };
  await executor.run(serviceScope, { cursors });
}

/** Gives slots back, at the place they have reached. */
export async function releaseSlots(
  internals: DataStoreInternals,
  name: string,
  shares: readonly Share[],
): Promise<void> {
  await serviceQuery(
    internals,
    `update intendant.cursor c set seq = v.seq, owner = null
     from unnest($2::int[], $3::bigint[], $4::bigint[]) v(slot, epoch, seq)
     where c.name = $1 and c.slot = v.slot and c.epoch = v.epoch`,
    [
      name,
      shares.map(({ slot }) => slot),
      shares.map(({ epoch }) => epoch),
      shares.map(({ progress }) => progress.place),
    ],
  );
}

/** Gives back what the member owns and does not work on. */
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

export async function readCursors(internals: DataStoreInternals, name: string): Promise<number[]> {
  const { rows } = await serviceQuery<{ seq: string }>(
    internals,
    'select seq from intendant.cursor where name = $1 order by slot',
    [name],
  );
  return rows.map(({ seq }) => Number(seq));
}
