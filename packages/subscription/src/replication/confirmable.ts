import { formatLsn, readLsn } from './lsn.ts';

/**
 * The value to pass to the library's `acknowledge` so that the server receives `lsn`; the library adds one. If a
 * position one too high were confirmed, a commit that begins exactly where the last one ended would count as received,
 * and would not be sent again after a restart.
 */
export const confirmable = (lsn: string): string => formatLsn(readLsn(lsn) - 1n);
