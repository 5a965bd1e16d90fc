import { type Transaction, TransactionConflictError } from '@intendant/core';
import { arrayLiteral, type DataStoreInternals, serviceScope, sessionInternalsOf } from '@intendant/core/internal';
import type { DeliveryItem } from '../delivery/delivery-item.ts';
import type { Share } from '../delivery/share.ts';
import { isLog } from '../log/timeline.ts';
import { serviceQuery } from '../service-query.ts';
import type { NameInLog } from './slots.ts';

/**
 * An acknowledgement is a row, with name and number, that the handler's transaction inserts. Its primary key makes the
 * effects of a change happen once: if two processes handle it at the same time (one of them does not know yet that it
 * lost the slot), the second insert waits for the first and then fails. Rows are kept for some time after the cursor
 * has passed them, so that a delayed transaction also conflicts with them.
 */
const ACKNOWLEDGE = `
insert into intendant.acknowledged (name, seq, slot)
select c.name, v.seq, c.slot from unnest($2::int[], $3::bigint[], $4::bigint[]) v(slot, epoch, seq)
join intendant.cursor c on c.name = $1 and c.slot = v.slot and c.epoch = v.epoch and c.seq < v.seq
where ${isLog('$5', '$6')}
order by v.seq`;

const RESOLVE_LETTERS = `delete from intendant.dead_letter where name = $1 and seq = any($2::bigint[])`;

/**
 * Acknowledges changes, and deletes dead letters, in the handler's transaction. Throws TransactionConflictError if another
 * process has acknowledged one of them or owns its slot.
 */
export async function acknowledge(
  tx: Transaction,
  { name, log }: NameInLog,
  items: readonly DeliveryItem[],
): Promise<void> {
  if (!log) throw lost(name);
  const letters = items.filter(({ isDeadLetter }) => isDeadLetter);
  const changes = items.filter(({ isDeadLetter }) => !isDeadLetter);
  const list = (values: readonly number[]) => arrayLiteral(values.map(String));
  const numbers = (of: readonly DeliveryItem[]) => list(of.map(({ numbered }) => numbered.sequence));
  const statements = {
    acknowledged: {
      name: 'acknowledge-changes',
      text: ACKNOWLEDGE,
      values: [
        name,
        list(changes.map(({ share }) => share.slot)),
        list(changes.map(({ share }) => share.epoch)),
        numbers(changes),
        log.logId,
        log.timeline,
      ],
    },
    resolved: { name: 'resolve-dead-letters', text: RESOLVE_LETTERS, values: [name, numbers(letters)] },
  };
  const { executor } = sessionInternalsOf(tx);
  const { acknowledged, resolved } = await executor.run(serviceScope, statements).catch((error) => {
    throw (error as { code?: string }).code === '23505' ? lost(name, error) : error;
  });
  if (acknowledged.rowCount !== changes.length || resolved.rowCount !== letters.length) throw lost(name);
}

const lost = (name: string, cause?: unknown): TransactionConflictError =>
  new TransactionConflictError(
    `ack: another process of the subscription ${JSON.stringify(name)} now handles this change; let the transaction roll back`,
    { details: { name }, cause },
  );

/** Returns the acknowledged numbers beyond the cursors of newly claimed shares. */
export async function readAcknowledged(
  internals: DataStoreInternals,
  name: string,
  shares: readonly Share[],
): Promise<Set<number>> {
  const { rows } = await serviceQuery<{ seq: string }>(
    internals,
    `select a.seq from intendant.acknowledged a join intendant.cursor c using (name, slot)
     where a.name = $1 and a.slot = any($2::int[]) and a.seq > c.seq`,
    [name, shares.map(({ slot }) => slot)],
  );
  return new Set(rows.map(({ seq }) => Number(seq)));
}

/** Returns whether the change was acknowledged, or the dead letter deleted. */
export async function isAcknowledged(
  internals: DataStoreInternals,
  name: string,
  { numbered, isDeadLetter }: DeliveryItem,
): Promise<boolean> {
  const { rows } = await serviceQuery<{ done: boolean }>(
    internals,
    isDeadLetter
      ? 'select not exists (select from intendant.dead_letter where name = $1 and seq = $2) as done'
      : 'select exists (select from intendant.acknowledged where name = $1 and seq = $2) as done',
    [name, numbered.sequence],
  );
  return rows[0]?.done ?? false;
}

/** Deletes acknowledgements that the cursors have passed, one minute after they were written. */
export const forgetAcknowledged = async (internals: DataStoreInternals, name: string): Promise<void> =>
  void (await serviceQuery(
    internals,
    `delete from intendant.acknowledged a using intendant.cursor c
     where a.name = $1 and c.name = a.name and c.slot = a.slot and a.seq <= c.seq
       and a.acknowledged_at < clock_timestamp() - interval '1 minute'`,
    [name],
  ));
