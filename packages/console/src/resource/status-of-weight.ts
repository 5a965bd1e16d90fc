import { STATUS_WEIGHTS, STATUSES, type Status } from '@intendant/realization';

const byWeight = new Map(STATUSES.map((status) => [STATUS_WEIGHTS[status], status]));

/** The status that is stored as this number; UNKNOWN for a number of a newer version. */
export const statusOfWeight = (weight: number): Status => byWeight.get(weight as never) ?? 'UNKNOWN';
