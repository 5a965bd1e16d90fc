import { NameInUseError } from '@intendant/core';
import { type DataStoreInternals, serviceScope } from '@intendant/core/internal';
import { LIVE_MEMBERS } from './slots.ts';

/**
 * A member joins by inserting a row that refers to the name. The insert locks the name's row against removal. So once
 * this lock is held, either the member's row is visible here, or its insert comes later and fails, and the subscription
 * ends with an error.
 */
const LOCK_NAME = 'select from intendant.durable_subscription where name = $1 for update';

const COUNT_MEMBERS = `select count(*)::int as members from (${LIVE_MEMBERS}) live where name = $1`;

const REMOVE_NAME = 'delete from intendant.durable_subscription where name = $1';

/**
 * Removes a name with its cursors and dead letters. Returns false if there is no such name. Throws NameInUseError if
 * it has members, unless forced.
 */
export const forgetName = ({ executor }: DataStoreInternals, name: string, isForced: boolean): Promise<boolean> =>
  executor.transaction(async (tx) => {
    const values = [name];
    const { members } = await tx.run(serviceScope, {
      lock: { text: LOCK_NAME, values },
      members: { text: COUNT_MEMBERS, values },
    });
    const count = Number(members.rows[0]?.[0]);
    if (count > 0 && !isForced) throw inUse(name, count);
    const { removed } = await tx.run(serviceScope, { removed: { text: REMOVE_NAME, values } });
    return removed.rowCount === 1;
  });

const inUse = (name: string, members: number): NameInUseError =>
  new NameInUseError(
    `forget: ${members === 1 ? 'a subscription works' : `${members} subscriptions work`} under the name ${JSON.stringify(name)}; close them first, or pass { force: true } to end them with an error`,
    { details: { name, members } },
  );
