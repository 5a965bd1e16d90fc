import type { z } from '@hono/zod-openapi';
import { Problem } from '../http/problem.ts';

const REFUSALS: Readonly<Record<number, string>> = {
  400: 'The request is malformed.',
  401: 'Nobody is signed in.',
  403: 'The caller may not do this.',
  404: 'It is not there, or not for the caller to see.',
  405: 'The path does not have this method.',
  409: 'It is not as the caller thinks.',
  413: 'The body is too large.',
  415: 'The body is not JSON.',
  431: 'The address or the headers are too long.',
  429: 'Too many requests, or too many open streams.',
  503: 'The database cannot be reached now.',
};

export const json = <Schema extends z.ZodType>(schema: Schema, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

/** The error responses that every route may return, and the given ones. */
export function refusals<Status extends number>(...statuses: Status[]) {
  const all = [400, 401, 405, 429, 431, 503, ...statuses] as const;
  return Object.fromEntries(
    all.map((status) => [
      status,
      { description: REFUSALS[status] as string, content: { 'application/problem+json': { schema: Problem } } },
    ]),
  ) as Record<
    400 | 401 | 405 | 429 | 431 | 503 | Status,
    { description: string; content: { 'application/problem+json': { schema: typeof Problem } } }
  >;
}
