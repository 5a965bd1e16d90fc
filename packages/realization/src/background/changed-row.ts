import type { Change } from '@intendant/subscription';

/** A changed row. */
export type ChangedRow = Pick<Change, 'key' | 'record'>;

/** Called for each changed row; without one when any may have changed unseen. */
export type ChangeListener = (change?: ChangedRow) => void;
