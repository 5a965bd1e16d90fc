import type pg from 'pg';
import type { CountsEvent, ResourceState } from '../history/history-event.ts';

/** One statement, so one snapshot. */
const snapshotSql = (table: string) => `
  select coalesce(json_agg(state), '[]') as states
  from (
    select '${table}' as "table", coalesce(r.org_id, o.org_id) as org, coalesce(r.id, o.id) as id, r.revision,
      r.deleted_at is not null as deleted, r.value, o.realization_status as overall,
      o.resource_revision as "overallRevision",
      coalesce((
        select json_agg(json_build_object(
          'point', e.enforcement_point_id, 'status', e.realization_status, 'revision', e.resource_revision))
        from enforcement_status_${table} e
        where e.org_id = coalesce(r.org_id, o.org_id) and e.id = coalesce(r.id, o.id)
      ), '[]') as points
    from ${table} r full join overall_status_${table} o on o.org_id = r.org_id and o.id = r.id
  ) state`;

/** The resources of these tables with their statuses. */
export async function readResources(client: pg.ClientBase, tables: readonly string[]): Promise<ResourceState[]> {
  const states: ResourceState[] = [];
  for (const table of tables) {
    const { rows } = await client.query<{ states: ResourceState[] }>(snapshotSql(table));
    states.push(...(rows[0]?.states ?? []));
  }
  return states;
}

/** The counts of these resources, as the console's summary shows them. */
export async function readCounts(client: pg.ClientBase): Promise<CountsEvent['counted']> {
  const { rows } = await client.query<CountsEvent['counted'][number]>(`
    select replace(table_name, 'public.', '') as "table", point_id as point, status, sum(resources)::int as resources
    from (
      select table_name, point_id, status, resources from intendant.status_count
      union all
      select table_name, point_id, status, change from intendant.status_change
    ) counted
    group by 1, 2, 3
    having sum(resources) <> 0`);
  return rows;
}
