import { NameInUseError } from '@intendant/core';
import type { DataStoreInternals } from '@intendant/core/internal';
import { LIVE_MEMBERS } from './slots.ts';

/*
 * A member joins by inserting a row that refers to the name, which locks the name's row against removal. So after this
 * lock either the member's row is visible here, or its insert comes later and fails, and the subscription ends with an error.
 */
const LOCK_NAME = 'select from intendant.durable_subscription where name = $1 for update';

const COUNT_MEMBERS = `select count(*)::int as members from intendant.cursor_member where name = $1 and member in (${LIVE_MEMBERS})`;

/**
 * Removes a name with its cursors and dead letters. Returns false if there is no such name. Throws NameInUseError if
 * somebody works under it, unless forced.
 */
export const forgetName = (internals: DataStoreInternals, name: string, isForced: boolean): Promise<boolean> =>
  internals.inServiceTransaction(async (client) => {
    await client.query(LOCK_NAME, [name]);
    const { rows } = await client.query<{ members: number }>(COUNT_MEMBERS, [name]);
    const members = rows[0]?.members ?? 0;
    if (members > 0 && !isForced) throw inUse(name, members);
    const { rowCount } = await client.query('delete from intendant.durable_subscription where name = $1', [name]);
    return rowCount === 1;
  });

const inUse = (name: string, members: number): NameInUseError =>
  new NameInUseError(
    `forget: ${members === 1 ? 'a subscription works' : `${members} subscriptions work`} under the name ${JSON.stringify(name)}; close them first, or pass { force: true } to end them with an error`,
    { details: { name, members } },
  );
