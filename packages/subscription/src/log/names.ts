import { derivedName, quoteIdentifier, type RegisteredTable } from '@intendant/core/internal';

/** How the log calls a table: two stores of one database may use two schemas. */
export const loggedName = (table: Pick<RegisteredTable, 'schemaName' | 'name'>): string =>
  `${table.schemaName}.${table.name}`;

/** The table's append function, quoted. */
export const appendFunction = (table: RegisteredTable): string =>
  `intendant.${quoteIdentifier(derivedName('append', table.schemaName, table.name))}`;

export const truncateFunction = (table: RegisteredTable): string =>
  `intendant.${quoteIdentifier(derivedName('append_truncate', table.schemaName, table.name))}`;

/** Advisory locks of the feed; the first number keeps them apart from other software's. */
export const LEADER_LOCK = '1768846436, 1';
export const DOORBELL_LOCK = '1768846436, 2';
export const MAINTENANCE_LOCK = '1768846436, 3';
/** Each process that works under durable names holds one of these, numbered. */
export const MEMBER_LOCKS = 1768846437;

/** Where writers ring for a relay that sleeps: an empty payload. */
export const DOORBELL_CHANNEL = 'intendant_doorbell';
/** The payload of a process that opens and asks how far the log is settled. */
export const RING_OF_OPENING = 'open';
