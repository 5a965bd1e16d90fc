import { withClient } from '@intendant/devdb/testing';

/** A database's number of tenants, and of resources of each tenant. */
export interface Size {
  readonly tenants: number;
  readonly resources: number;
}

export const orgOf = (tenant: number): string => `t${String(tenant).padStart(5, '0')}`;
export const idOf = (resource: number): string => `r${resource}`;

/** One resource in a hundred has failed; all others are realized. */
const FAILED = '(resource % 100 = 99)';
const STATUS = `case when ${FAILED} then 1000 else 200 end`;
const DETAILS = `case when ${FAILED} then 'no space left' else '' end`;

const ROWS = `(select 't' || lpad(tenant::text, 5, '0') as org, 'r' || resource as id, ${STATUS} as status, ${DETAILS} as details
  from generate_series(0, $1::int - 1) tenant, generate_series(0, $2::int - 1) resource) as row`;

/** The rows that intents and marks at the point E0 leave behind. Triggers do not run. */
const FILL = [
  `insert into vm (org_id, id, value, revision) select org, id, 'filled', 1 from ${ROWS}`,
  `insert into overall_status_vm (org_id, id, realization_status, additional_details, resource_revision)
   select org, id, status, details, 1 from ${ROWS}`,
  `insert into enforcement_status_vm (org_id, id, enforcement_point_id, realization_status, additional_details, resource_revision, is_removal)
   select org, id, 'E0', status, details, 1, false from ${ROWS}`,
  `insert into intendant.status_history (table_name, org_id, key, point_id, status, revision, message)
   select 'public.vm', org, array[id], 'E0', status, 1, details from ${ROWS}`,
];

const COUNT = `
insert into intendant.status_count (table_name, org_id, point_id, status, resources)
select 'public.vm', org_id, '', realization_status, count(*) from overall_status_vm group by 2, 4
union all
select 'public.vm', org_id, enforcement_point_id, realization_status, count(*) from enforcement_status_vm group by 2, 3, 4`;

/** Fills the tables by SQL, as a superuser. */
export async function fillTables(adminUrl: string, { tenants, resources }: Size): Promise<void> {
  await withClient(adminUrl, async (client) => {
    await client.query('set session_replication_role = replica; set work_mem = 256000');
    for (const statement of FILL) await client.query(statement, [tenants, resources]);
    await client.query(COUNT);
    await client.query('analyze');
  });
}
