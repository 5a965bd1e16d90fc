import { type DataStoreInternals, quoteIdentifier } from '@intendant/core/internal';
import type pg from 'pg';

/** Runs one statement on the feed's own tables, as the role that owns no tenant's table. For work that is not frequent. */
export const serviceQuery = <Row extends pg.QueryResultRow>(
  internals: DataStoreInternals,
  text: string,
  values: readonly unknown[] = [],
): Promise<pg.QueryResult<Row>> => internals.inServiceTransaction((client) => client.query<Row>(text, [...values]));

/** For a dedicated connection of the feed's, which has no other use. */
export const actAsService = (internals: DataStoreInternals): string =>
  `set role ${quoteIdentifier(internals.roleName('service'))}`;
