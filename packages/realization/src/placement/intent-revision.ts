import type { Statement } from '@intendant/core/internal';

/*
 * An intent is one exchange: statements behind one Sync, none of which sees another's answer in time to use it. What
 * one must tell the next travels in a setting of the transaction: whether the record was accepted, and the revision it
 * is at. A refused record leaves it empty, and the statements that follow then do nothing.
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
