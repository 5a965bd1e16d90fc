import { resourcePath } from '../api/client.ts';
import { withQuery } from '../location/location.ts';

/** The path of an open resource. The filters of the list stay in the address. */
export function openPath(resource: { readonly table: string; readonly id: string }): string {
  const query = new URLSearchParams(location.search);
  query.set('table', resource.table);
  return withQuery(resourcePath(resource), query);
}
