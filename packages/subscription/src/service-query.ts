import { type DataStoreInternals, quoteIdentifier } from '@intendant/core/internal';
import type pg from 'pg';

/** Runs one statement on the feed's own tables, under the service role, which owns no tenant's table. For infrequent work. */
export const serviceQuery = <Row extends pg.QueryResultRow>(
  internals: DataStoreInternals,
  text: string,
  values: readonly unknown[] = [],
): Promise<pg.QueryResult<Row>> => internals.inServiceTransaction((client) => client.query<Row>(text, [...values]));

/** The same on a dedicated connection of the feed, which has no other use. */
export const actAsService = (internals: DataStoreInternals): string =>
  `set role ${quoteIdentifier(internals.roleName('service'))}`;
