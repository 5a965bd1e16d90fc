import { type ActionRequest, useActions } from '../action/actions.tsx';
import type { Resource } from '../api/model.ts';
import { plural, printNumber } from '../ui/format.ts';
import { filterOf, type ResourceQuery } from './resource-query.ts';
import type { Selection } from './selection.ts';

interface SelectionBarProps {
  readonly query: ResourceQuery;
  readonly total: number | undefined;
  readonly resources: readonly Resource[];
  readonly selection: Selection;
  readonly mayWrite: boolean;
}

const EFFECTS = {
  retry: 'Unfinished work becomes due now, and its attempts are counted from 1. No new revision is made.',
  resync: 'Workers check whether realized resources still match their intents, and repair those that do not.',
  purge:
    'Every trace of these resources is removed: records and statuses. Workers do not unrealize them first. This cannot be undone.',
} as const;

/** The number of selected resources, and the actions on them. */
export function SelectionBar({ query, total, resources, selection, mayWrite }: SelectionBarProps) {
  const ask = useActions();
  const isFiltered = selection.isAll || selection.ids.size === 0;
  const count = isFiltered ? total : selection.ids.size;
  const target = isFiltered ? { filter: filterOf(query) } : { keys: keysOf(selection, resources) };
  const act = (action: keyof typeof EFFECTS): void => {
    const point = query.point === '' ? {} : { point: query.point };
    const status = action === 'retry' && query.status !== '' ? { status: query.status } : {};
    const request: ActionRequest = {
      action,
      body: { table: query.table, ...target, ...(action !== 'purge' && point), ...status },
      effect: EFFECTS[action],
    };
    ask(request);
  };
  const what = isFiltered ? `all ${printNumber(count ?? 0)} that match` : printNumber(count ?? 0);
  return (
    <div class="bar selection">
      <span aria-live="polite">
        <SelectionText selection={selection} total={total} pageSize={resources.length} />
      </span>
      {mayWrite && count !== 0 && (
        <span class="buttons">
          <button type="button" onClick={() => act('resync')}>
            Resync {what}
          </button>
          {!isFiltered && (
            <button type="button" onClick={() => act('purge')}>
              Purge {what}
            </button>
          )}
          <button type="button" class="primary" onClick={() => act('retry')}>
            Retry {what}
          </button>
        </span>
      )}
    </div>
  );
}

function SelectionText({
  selection,
  total = 0,
  pageSize,
}: {
  readonly selection: Selection;
  readonly total: number | undefined;
  readonly pageSize: number;
}) {
  if (selection.isAll) {
    return (
      <>
        All {printNumber(total)} that match are selected.{' '}
        <button type="button" class="link" onClick={selection.clear}>
          Clear
        </button>
      </>
    );
  }
  if (selection.ids.size === 0)
    return (
      <>
        {plural(total, 'resource')} match{total === 1 ? 'es' : ''}
      </>
    );
  return (
    <>
      {plural(selection.ids.size, 'resource')} selected.{' '}
      {total > pageSize && (
        <button type="button" class="link" onClick={selection.selectAll}>
          Select all {printNumber(total)} that match
        </button>
      )}{' '}
      <button type="button" class="link" onClick={selection.clear}>
        Clear
      </button>
    </>
  );
}

/** The keys of the selected resources. Those on other pages are known by their id, which can be used as a key. */
function keysOf({ ids }: Selection, resources: readonly Resource[]): unknown[] {
  const known = new Map(resources.map(({ id, key }) => [id, key]));
  return [...ids].map((id) => known.get(id) ?? (id.startsWith('{') ? JSON.parse(id) : id));
}
