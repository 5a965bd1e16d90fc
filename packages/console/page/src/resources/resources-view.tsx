import { keepPreviousData, useQuery } from '@tanstack/preact-query';
import { useEffect } from 'preact/hooks';
import type { ResourcePage, Summary } from '../api/model.ts';
import { resourcesQuery } from '../api/queries.ts';
import { usePlace } from '../location/location.ts';
import { ResourcePanel } from '../resource/resource-panel.tsx';
import { printNumber } from '../ui/format.ts';
import { Loaded } from '../ui/notice.tsx';
import { FilterBar } from './filter-bar.tsx';
import { Matrix } from './matrix.tsx';
import { PageFoot } from './page-foot.tsx';
import { hasFilter, readQuery, requestOf } from './resource-query.ts';
import { useSelection } from './selection.ts';
import { SelectionBar } from './selection-bar.tsx';

interface ResourcesViewProps {
  readonly summary: Summary;
  readonly openTable: string | undefined;
  readonly openId: string | undefined;
}

/** The list, and beside it the open resource. */
export function ResourcesView({ summary, openTable, openId }: ResourcesViewProps) {
  const query = readQuery(usePlace(), openTable ?? summary.tables[0]?.table ?? '');
  const request = requestOf(query);
  const page = useQuery({ ...resourcesQuery(query.table, request), placeholderData: keepPreviousData });
  const selection = useSelection(`${query.table} ${query.status} ${query.point} ${query.q} ${query.olderThan}`);
  const total = useTotal(query, page.data);
  const open = openTable !== undefined && openId !== undefined ? { table: openTable, id: openId } : undefined;
  useEffect(() => {
    document.title = `${open ? open.id : 'Resources'} – Intendant`;
    return () => {
      document.title = 'Intendant';
    };
  }, [open?.id]);
  return (
    <div class={open ? 'split' : ''}>
      <div class="list">
        <header>
          <h1>Resources</h1>
          <span class="right">
            {query.table}
            {total !== undefined && `, ${printNumber(total)} match`}
          </span>
        </header>
        <FilterBar query={query} summary={summary} />
        <Loaded of={page}>
          {({ resources, next }) => (
            <>
              <SelectionBar
                query={query}
                total={total}
                resources={resources}
                selection={selection}
                mayWrite={summary.caller.mayWrite}
              />
              <Matrix
                resources={resources}
                selection={selection}
                openId={open?.id}
                mayWrite={summary.caller.mayWrite}
                isStale={page.isPlaceholderData}
                isFiltered={hasFilter(query)}
              />
              <PageFoot query={query} count={resources.length} total={total} next={next} />
            </>
          )}
        </Loaded>
      </div>
      {open && <ResourcePanel key={`${open.table}/${open.id}`} name={open} />}
    </div>
  );
}

/** The count is read with the first page and used for later pages. */
function useTotal(query: ReturnType<typeof readQuery>, page: ResourcePage | undefined): number | undefined {
  const request = requestOf({ ...query, after: '', order: '' });
  const first = useQuery({
    ...resourcesQuery(query.table, `${request}&limit=1`),
    enabled: query.after !== '',
    placeholderData: keepPreviousData,
  });
  return (query.after === '' ? page?.total : first.data?.total) ?? undefined;
}
