import type { Change } from '@intendant/subscription';

/** A changed row. */
export type ChangedRow = Pick<Change, 'key' | 'record'>;

/** Called for each changed row; without a row if any may have changed unnoticed. */
export type ChangeListener = (change?: ChangedRow) => void;
