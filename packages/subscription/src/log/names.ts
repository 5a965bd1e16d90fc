import { createHash } from 'node:crypto';
import { derivedName, quoteIdentifier, type RegisteredTable } from '@intendant/core/internal';

/** The table's name in the log, including its schema, because two stores of one database may use two schemas. */
export const loggedName = (table: Pick<RegisteredTable, 'schemaName' | 'name'>): string =>
  `${table.schemaName}.${table.name}`;

/** The table's append function, quoted. */
export const appendFunction = (table: RegisteredTable): string =>
  `intendant.${quoteIdentifier(derivedName('append', table.schemaName, table.name))}`;

export const truncateFunction = (table: RegisteredTable): string => {
  const name = derivedName('append_truncate', table.schemaName, table.name);
  return `intendant.${quoteIdentifier(table.placement === 'here' ? name : plainName(name))}`;
};

/** Citus repeats `revoke … on function` on the nodes without quotes, so the name must need none. */
const plainName = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name)
    ? name
    : `append_truncate_${createHash('sha256').update(name).digest('hex').slice(0, 32)}`;

/**
 * Writers notify this channel, without a payload, when the relay has to check. Tenants may know the name: a notification
 * only makes the relay check once.
 */
export const DOORBELL_CHANNEL = 'intendant_doorbell';
/** The payload sent by a process that opens, to request an announcement. */
export const RING_OF_OPENING = 'open';

/**
 * The channel on which writers announce their own changes. Its name is secret like that of the relay's channel, from
 * which it is derived.
 */
export const writersChannel = (channel: string): string => `${channel}_w`;
