import { activityQuery, pointsQuery, resourcesQuery, summaryQuery, tenantsQuery } from './api/queries.ts';
import { queryClient } from './api/query-client.ts';
import type { Place } from './location/location.ts';
import { readQuery, requestOf } from './resources/resource-query.ts';

/**
 * Starts the queries of the view in the address, in parallel with the session and before anything is rendered. The
 * views then find the data, or wait for the running request. An error is left to the view, which repeats the query.
 */
export function prefetchView(place: Place): void {
  for (const { queryKey, queryFn } of queriesOf(place))
    void queryClient.prefetchQuery<unknown>({ queryKey, queryFn, retry: false });
}

function queriesOf(place: Place) {
  const [view, openTable] = place.segments;
  if (view === undefined) return [summaryQuery(), activityQuery()];
  if (view === 'points') return [summaryQuery(), pointsQuery()];
  if (view === 'tenants') return [summaryQuery(), tenantsQuery()];
  const query = readQuery(place, openTable ?? '');
  // Without a table in the address, the first one is known only from the summary.
  if (view === 'resources' && query.table !== '')
    return [summaryQuery(), resourcesQuery(query.table, requestOf(query))];
  return [summaryQuery()];
}
