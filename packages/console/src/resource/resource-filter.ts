import { z } from '@hono/zod-openapi';
import { STATUSES, type Status } from '@intendant/realization';
import { RefusedRequest } from '../http/problem.ts';

/** Selects resources of a table. All given conditions must hold. */
export interface ResourceFilter {
  /** The status at the point if one is given, otherwise the overall status. */
  readonly status?: readonly Status[] | undefined;
  readonly point?: string | undefined;
  /** Words of the key or of a text field, or `field:value`; all must match. */
  readonly q?: string | undefined;
  /** Only resources whose status is older than this. */
  readonly olderThanMs?: number | undefined;
}

const UNITS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** The fields of a filter, in a query string or a JSON body. */
export const FILTER_FIELDS = {
  status: z
    .string()
    .max(200)
    .optional()
    .openapi({
      description: `One status or several, with commas between: ${STATUSES.join(', ')}.`,
      example: 'ERROR,PENDING',
    }),
  point: z.string().min(1).max(500).optional().openapi({ description: 'An enforcement point where the resource is.' }),
  q: z
    .string()
    .max(200)
    .optional()
    .openapi({ description: 'Words that the key or a text field contains, or `field:value`. All must match.' }),
  olderThan: z
    .string()
    .regex(/^\d{1,9}(s|m|h|d)$/)
    .optional()
    .openapi({ description: 'Only statuses older than this: a number with s, m, h or d.', example: '10m' }),
} as const;

export const FilterBody = z.strictObject(FILTER_FIELDS).openapi('ResourceFilter');

/** Throws an error with status 400 for an unknown status. */
export function readFilter(given: z.infer<typeof FilterBody>): ResourceFilter {
  return {
    status: given.status === undefined || given.status === '' ? undefined : given.status.split(',').map(readStatus),
    point: given.point === undefined ? undefined : readText('point', given.point),
    q: given.q === undefined ? undefined : readText('q', given.q),
    olderThanMs: given.olderThan === undefined ? undefined : durationMs(given.olderThan),
  };
}

function readStatus(text: string): Status {
  const status = STATUSES.find((known) => known === text.trim().toUpperCase());
  if (status) return status;
  throw new RefusedRequest(400, `There is no status of this name. There are: ${STATUSES.join(', ')}.`);
}

/** Text that Postgres can store. */
function readText(field: string, text: string): string {
  if (!text.includes('\0') && text.isWellFormed()) return text;
  throw new RefusedRequest(400, `${field} holds a character that cannot be stored, so nothing can match it.`);
}

const durationMs = (text: string): number => Number(text.slice(0, -1)) * (UNITS[text.at(-1) as string] as number);
