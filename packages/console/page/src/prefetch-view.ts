import { activityQuery, pointsQuery, resourcesQuery, summaryQuery, tenantsQuery } from './api/queries.ts';
import { queryClient } from './api/query-client.ts';
import type { Place } from './location/location.ts';
import { readQuery, requestOf } from './resources/resource-query.ts';

/**
 * Begins to read what the view in the address shows, beside the session and before anything is drawn. The views then find
 * it, or wait for the request that is under way. A refusal is left to the view, which reads again.
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
  // Without a table in the address, the summary has to name the first one.
  if (view === 'resources' && query.table !== '')
    return [summaryQuery(), resourcesQuery(query.table, requestOf(query))];
  return [summaryQuery()];
}
