import type { Statement } from '@intendant/core/internal';

/*
 * An intent is one exchange: its statements are sent with one Sync, so the client cannot use the result of one in the
 * next. A setting of the transaction passes on what later statements need: whether the record was accepted, and its
 * revision. A refused record leaves the setting empty, and the statements after it do nothing.
 */

const SETTING = 'intendant.intent_revision';

/** The accepted revision, or null. */
export const INTENT_REVISION = `nullif(current_setting('${SETTING}', true), '')::bigint`;

/** Forgets what an earlier intent of the same transaction left. */
export const forgetIntentRevision: Statement = {
  name: 'forget-intent-revision',
  text: `select set_config('${SETTING}', '', true)`,
};

/** The same statement, which must return a column `revision`, and stores it in the setting; returns the same rows. */
export const noteIntentRevision = (statement: Statement): Statement => ({
  ...statement,
  text: `with changed as (${statement.text}) select *, set_config('${SETTING}', revision::text, true) from changed`,
});
