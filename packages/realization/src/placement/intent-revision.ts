import type { Statement } from '@intendant/core/internal';
import { onCoordinator } from '../resource/resource-rows.ts';
import type { StatusTables } from '../resource/status-tables.ts';

/*
 * An intent is one exchange: its statements are sent with one Sync, so the client cannot use the result of one in the
 * next. A setting of the transaction passes on what later statements need: whether the record was accepted, and its
 * revision. A refused record leaves the setting empty, and the statements after it do nothing.
 */

const SETTING = 'intendant.intent_revision';

/** SQL for the accepted revision, or null. */
export const INTENT_REVISION = `nullif(current_setting('${SETTING}', true), '')::bigint`;

/** Clears the setting of an earlier intent in the same transaction. */
export const forgetIntentRevision: Statement = {
  name: 'forget-intent-revision',
  text: `select set_config('${SETTING}', '', true)`,
};

/** Stores a revision in the setting: the record was stored by an earlier call. */
export const noteRevision = (revision: string): Statement => ({
  name: 'note-revision',
  text: `select set_config('${SETTING}', $1::text, true)`,
  values: [revision],
});

/** Wraps a statement that returns a column `revision`: stores the revision in the setting and returns the same rows. */
export const noteIntentRevision = (tables: StatusTables, statement: Statement): Statement => ({
  ...statement,
  text: `with changed as (${statement.text}) select changed.*, set_config('${SETTING}', revision::text, true) from changed${onCoordinator(tables)}`,
});
