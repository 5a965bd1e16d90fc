import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'preact/hooks';
import { useActions } from '../action/actions.tsx';
import type { Resource } from '../api/model.ts';
import { navigate } from '../location/location.ts';
import { visibleText } from '../ui/visible-text.ts';
import { MatrixRow } from './matrix-row.tsx';
import { openPath } from './open-path.ts';
import { pointsOf } from './points-of.ts';
import type { Selection } from './selection.ts';

interface MatrixProps {
  readonly resources: readonly Resource[];
  readonly selection: Selection;
  readonly openId: string | undefined;
  readonly mayWrite: boolean;
  /** True if these are the results of the previous filter while the new ones are being loaded. */
  readonly isStale: boolean;
  /** Whether the list has a filter. */
  readonly isFiltered: boolean;
}

/** The width of a point's column in CSS pixels, as in the style sheet. */
const COLUMN_WIDTH = 26;
/** Estimated width of everything beside the points' columns, in CSS pixels. It is used until the table is measured. */
const OTHER_COLUMNS_WIDTH = 500;

/** Resources by points. Only visible columns are rendered, so that a thousand points cost no more than forty. */
export function Matrix({ resources, selection, openId, mayWrite, isStale, isFiltered }: MatrixProps) {
  const scroll = useRef<HTMLDivElement>(null);
  const points = useMemo(() => pointsOf(resources), [resources]);
  const columns = useVirtualizer({
    horizontal: true,
    count: points.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => COLUMN_WIDTH,
    overscan: 4,
    initialRect: { width: Math.max(0, innerWidth - OTHER_COLUMNS_WIDTH), height: 600 },
  });
  const items = columns.getVirtualItems();
  const shown = items.map(({ index }) => points[index] as string);
  const [before, after] = [items[0]?.start ?? 0, columns.getTotalSize() - (items.at(-1)?.end ?? 0)];
  const keys = useRowKeys({ resources, selection, mayWrite });
  const isWhole = resources.length > 0 && resources.every(({ id }) => selection.ids.has(id));
  return (
    <section
      class={`card flush scroll matrix ${isStale ? 'stale' : ''}`}
      ref={scroll}
      aria-label="Resources and their points"
    >
      <table onKeyDown={keys}>
        <thead>
          <tr>
            <th scope="col" class="pick">
              <input
                type="checkbox"
                aria-label="Select this page"
                checked={isWhole || selection.isAll}
                onChange={() => selection.togglePage(resources)}
              />
            </th>
            <th scope="col" class="stuck">
              Key
            </th>
            <th scope="col">Overall</th>
            <th scope="col" class="num">
              Rev
            </th>
            <th scope="col" class="num">
              Since
            </th>
            {before > 0 && <td style={{ minWidth: before }} />}
            {shown.map((point) => (
              <th key={point} scope="col" class="point">
                <span title={point}>{visibleText(point)}</span>
              </th>
            ))}
            {after > 0 && <td style={{ minWidth: after }} />}
          </tr>
        </thead>
        <tbody>
          {resources.map((resource, index) => (
            <MatrixRow
              key={resource.id}
              resource={resource}
              points={shown}
              before={before}
              after={after}
              index={index}
              isOpen={resource.id === openId}
              isSelected={selection.isAll || selection.ids.has(resource.id)}
              onToggle={() => selection.toggle(resource.id)}
            />
          ))}
          {resources.length === 0 && (
            <tr>
              <td colSpan={6} class="dim">
                {isFiltered ? 'Nothing matches.' : 'This table has no resources yet.'}
              </td>
            </tr>
          )}
        </tbody>
      </table>
    </section>
  );
}

/** Keyboard navigation: one tab stop for the whole list, and arrow keys within it. */
function useRowKeys({ resources, selection, mayWrite }: Pick<MatrixProps, 'resources' | 'selection' | 'mayWrite'>) {
  const ask = useActions();
  const retry = (resource: Resource) =>
    ask({
      action: 'retry',
      body: { table: resource.table, keys: [resource.key] },
      effect: `Unfinished work of ${resource.id} becomes due now, and its attempts are counted from 1.`,
    });
  return (event: KeyboardEvent) => {
    const row = event.target instanceof HTMLTableRowElement ? event.target : undefined;
    const resource = resources[Number(row?.dataset['index'] ?? -1)];
    if (!row || !resource || event.ctrlKey || event.metaKey || event.altKey) return;
    const act = KEY_ACTIONS[event.key];
    if (!act) return;
    event.preventDefault();
    act({
      row,
      toggle: () => selection.toggle(resource.id),
      open: () => navigate(openPath(resource)),
      retry: () => mayWrite && retry(resource),
    });
  };
}

interface RowActions {
  readonly row: HTMLTableRowElement;
  readonly toggle: () => void;
  readonly open: () => void;
  readonly retry: () => void;
}

const focus = (row: Element | null | undefined): void => {
  if (row instanceof HTMLElement) row.focus();
};

const KEY_ACTIONS: Readonly<Record<string, (acts: RowActions) => void>> = {
  ArrowDown: ({ row }) => focus(row.nextElementSibling),
  ArrowUp: ({ row }) => focus(row.previousElementSibling),
  Home: ({ row }) => focus(row.parentElement?.firstElementChild),
  End: ({ row }) => focus(row.parentElement?.lastElementChild),
  ' ': ({ toggle }) => toggle(),
  Enter: ({ open }) => open(),
  r: ({ retry }) => retry(),
  R: ({ retry }) => retry(),
};
