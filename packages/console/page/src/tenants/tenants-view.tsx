import { useQuery } from '@tanstack/preact-query';
import { createColumnHelper } from '@tanstack/preact-table';
import type { Tenant } from '../api/model.ts';
import { tenantsQuery } from '../api/queries.ts';
import { Link } from '../location/link.tsx';
import { DataTable, type SortableFeatures } from '../ui/data-table.tsx';
import { plural, printNumber } from '../ui/format.ts';
import { Loaded } from '../ui/notice.tsx';
import { StatusBar } from '../ui/status.tsx';
import { visibleText } from '../ui/visible-text.ts';

const helper = createColumnHelper<SortableFeatures, Tenant>();

const columns = helper.columns([
  helper.accessor('orgId', {
    header: 'Tenant',
    cell: ({ getValue }) => (
      <Link class="cut name" to={`resources?q=${encodeURIComponent(`orgId:${getValue()}`)}`} title={getValue()}>
        {visibleText(getValue())}
      </Link>
    ),
  }),
  helper.accessor('total', {
    header: 'Resources',
    meta: { isNumber: true },
    cell: ({ getValue }) => printNumber(getValue()),
  }),
  helper.accessor(({ statuses }) => statuses.ERROR ?? 0, {
    id: 'errors',
    header: 'In error',
    meta: { isNumber: true, isAlert: true },
    cell: ({ getValue }) => printNumber(getValue()),
  }),
  helper.accessor(({ statuses }) => (statuses.PENDING ?? 0) + (statuses.IN_PROGRESS ?? 0), {
    id: 'pending',
    header: 'Under way',
    meta: { isNumber: true },
    cell: ({ getValue }) => printNumber(getValue()),
  }),
  helper.display({
    id: 'shares',
    header: 'Shares',
    meta: { isWide: true },
    cell: ({ row }) => <StatusBar counts={row.original.statuses} />,
  }),
]);

export function TenantsView() {
  const tenants = useQuery(tenantsQuery());
  return (
    <>
      <header>
        <h1>Tenants</h1>
        {tenants.data && <span class="right">{plural(tenants.data.tenants.length, 'tenant')}</span>}
      </header>
      <Loaded of={tenants}>
        {(data) => <DataTable label="Tenants" columns={columns} rows={data.tenants} idOf={({ orgId }) => orgId} />}
      </Loaded>
    </>
  );
}
