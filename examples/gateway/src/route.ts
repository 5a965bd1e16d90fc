import { createHash } from 'node:crypto';
import { defineTable, type RecordOf } from '@intendant/core';
import { z } from 'zod';

/** A route of a tenant: requests for `<id>.<tenant>.test` whose path matches go to the upstream. */
export const route = defineTable('route', {
  schema: z.object({
    id: z.string().regex(/^[a-z0-9-]{1,40}$/, 'use lower-case letters, digits and hyphens'),
    match: z.enum(['prefix', 'pattern']),
    /** A path such as `/api`, or a regular expression as nginx understands it. */
    path: z.string().regex(/^[^\s"'{};#\\$]+$/, 'use no spaces, quotes, braces, semicolons, dollars or backslashes'),
    upstream: z.url({ protocol: /^https?$/ }).regex(/^[^\s"'{};#$\\]+$/, 'use no special characters'),
  }),
});

export type Route = RecordOf<typeof route>;

export const ROLES = { tenant_admin: 'tenant_writer' } as const;

/** A tenant's name as part of a host name; a name with other characters becomes a hash. */
const tenantLabel = (orgId: string): string =>
  /^[A-Za-z0-9]{1,40}$/.test(orgId)
    ? orgId.toLowerCase()
    : createHash('sha256').update(orgId).digest('hex').slice(0, 16);

export const hostNameOf = ({ id, orgId }: Pick<Route, 'id' | 'orgId'>): string => `${id}.${tenantLabel(orgId)}.test`;
