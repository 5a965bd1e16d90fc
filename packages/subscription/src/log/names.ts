import { derivedName, quoteIdentifier, type RegisteredTable } from '@intendant/core/internal';

/** The table's name in the log, with its schema: two stores of one database may use two schemas. */
export const loggedName = (table: Pick<RegisteredTable, 'schemaName' | 'name'>): string =>
  `${table.schemaName}.${table.name}`;

/** The table's append function, quoted. */
export const appendFunction = (table: RegisteredTable): string =>
  `intendant.${quoteIdentifier(derivedName('append', table.schemaName, table.name))}`;

export const truncateFunction = (table: RegisteredTable): string =>
  `intendant.${quoteIdentifier(derivedName('append_truncate', table.schemaName, table.name))}`;

/**
 * Writers notify this channel, without a payload, when a change has to be looked for. A tenant may know it: whoever notifies
 * it makes the relay look once.
 */
export const DOORBELL_CHANNEL = 'intendant_doorbell';
/** The payload of a process that opens and asks how far the log is settled. */
export const RING_OF_OPENING = 'open';

/** Where writers announce their own changes, beside the relay's channel: as secret as that one. */
export const writersChannel = (channel: string): string => `${channel}_w`;
