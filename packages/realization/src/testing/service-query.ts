import type { DataStore } from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';
import type { QueryResult, QueryResultRow } from 'pg';

/** Asks the framework's own tables, as the service role: the login may not. */
export const serviceQuery = <Row extends QueryResultRow = QueryResultRow>(
  store: DataStore,
  text: string,
  values: unknown[] = [],
): Promise<QueryResult<Row>> =>
  internalsOf(store).inServiceTransaction((client) => client.query<Row>(text, values)) as Promise<QueryResult<Row>>;
