/**
 * The status of a resource, at one enforcement point or overall. The number is the stored value and its weight: the
 * overall status is the heaviest one.
 */
export const STATUS_WEIGHTS = {
  UNKNOWN: 0,
  DELETION_REALIZED: 100,
  REALIZED: 200,
  DELETION_IN_PROGRESS: 300,
  DELETION_PENDING: 400,
  IN_PROGRESS: 600,
  PENDING: 800,
  ERROR: 1000,
} as const;

/** The name of a status. */
export type Status = keyof typeof STATUS_WEIGHTS;

/** All statuses, by ascending weight. */
export const STATUSES = Object.keys(STATUS_WEIGHTS) as readonly Status[];

/** Statuses of a removal from a point, as weights. They do not count for a resource that still exists. */
export const DELETION_WEIGHTS: readonly number[] = [
  STATUS_WEIGHTS.DELETION_REALIZED,
  STATUS_WEIGHTS.DELETION_IN_PROGRESS,
  STATUS_WEIGHTS.DELETION_PENDING,
];

const byWeight = new Map<number, Status>(STATUSES.map((status) => [STATUS_WEIGHTS[status], status]));

/** Returns the status that is stored as this number; UNKNOWN for a number of a newer version. */
export const statusOfWeight = (weight: number): Status => byWeight.get(weight) ?? 'UNKNOWN';

/** Returns the name for a stored number, for messages: `Status(5000)` if it has none. */
export const statusName = (weight: number): string => byWeight.get(weight) ?? `Status(${weight})`;

/** Returns the heaviest of these statuses; UNKNOWN if there is none. */
export const heaviestStatus = (statuses: Iterable<Status>): Status => {
  let heaviest: Status = 'UNKNOWN';
  for (const status of statuses) if (STATUS_WEIGHTS[status] > STATUS_WEIGHTS[heaviest]) heaviest = status;
  return heaviest;
};
