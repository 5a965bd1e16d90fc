import { InvalidRecordError } from '@intendant/core';
import { describeKey } from '@intendant/core/internal';
import type { StatusTables } from './status-tables.ts';

/** The error when the caller sees several resources with a key, of several orgs or instances. */
export const ambiguousKey = ({ resource }: StatusTables, key: unknown): InvalidRecordError =>
  new InvalidRecordError(
    `${resource.name} ${JSON.stringify(describeKey(resource, key))}: the caller sees several resources with this key; name orgId and instanceId`,
    { details: { table: resource.name, key: describeKey(resource, key) } },
  );
