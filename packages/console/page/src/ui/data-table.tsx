import {
  type ColumnDef,
  createSortedRowModel,
  type Header,
  rowSortingFeature,
  sortFns,
  tableFeatures,
  useTable,
} from '@tanstack/preact-table';
import { useVirtualizer } from '@tanstack/react-virtual';
import { useRef } from 'preact/hooks';

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel(), sortFns });

export type SortableFeatures = typeof features;

/** How a column is displayed. */
export interface ColumnStyle {
  readonly isNumber?: boolean;
  readonly isWide?: boolean;
  /** Whether a value above zero is shown as a problem. */
  readonly isAlert?: boolean;
}

interface DataTableProps<Row extends object> {
  readonly label: string;
  // biome-ignore lint/suspicious/noExplicitAny: each column has a value type of its own
  readonly columns: readonly ColumnDef<SortableFeatures, Row, any>[];
  readonly rows: readonly Row[];
  readonly idOf: (row: Row) => string;
}

const ROW_HEIGHT = 37;

/** A table that sorts by its headers, and that renders only the visible rows. */
export function DataTable<Row extends object>({ label, columns, rows, idOf }: DataTableProps<Row>) {
  const scroll = useRef<HTMLDivElement>(null);
  const table = useTable({ features, columns, data: rows, getRowId: idOf });
  const sorted = table.getRowModel().rows;
  const virtual = useVirtualizer({
    count: sorted.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <section class="card flush scroll tall" ref={scroll} aria-label={label}>
      <table aria-rowcount={sorted.length + 1}>
        <thead>
          {table.getHeaderGroups().map((group) => (
            <tr key={group.id}>
              {group.headers.map((header) => (
                <HeaderCell key={header.id} header={header} columnStyle={styleOf(header.column.columnDef.meta)}>
                  <table.FlexRender header={header} />
                </HeaderCell>
              ))}
            </tr>
          ))}
        </thead>
        <tbody>
          {above > 0 && <tr style={{ height: above }} />}
          {items.map(({ index }) => {
            const row = sorted[index];
            if (!row) return null;
            return (
              <tr key={row.id} aria-rowindex={index + 2}>
                {row.getAllCells().map((cell) => (
                  <td key={cell.id} class={classOf(styleOf(cell.column.columnDef.meta), cell.getValue())}>
                    <table.FlexRender cell={cell} />
                  </td>
                ))}
              </tr>
            );
          })}
          {below > 0 && <tr style={{ height: below }} />}
        </tbody>
      </table>
    </section>
  );
}

const styleOf = (meta: unknown): ColumnStyle => (meta ?? {}) as ColumnStyle;

const classOf = ({ isNumber, isAlert, isWide }: ColumnStyle, value?: unknown): string =>
  [isNumber && 'num', isWide && 'wide', isAlert && Number(value) > 0 && 'alert'].filter(Boolean).join(' ');

interface HeaderCellProps<Row extends object> {
  readonly header: Header<SortableFeatures, Row, unknown>;
  readonly columnStyle: ColumnStyle;
  readonly children: import('preact').ComponentChildren;
}

const ARIA_SORT = { asc: 'ascending', desc: 'descending' } as const;

function HeaderCell<Row extends object>({ header: { column }, columnStyle, children }: HeaderCellProps<Row>) {
  const direction = column.getIsSorted();
  const sort = direction === false ? 'none' : ARIA_SORT[direction];
  if (!column.getCanSort())
    return (
      <th scope="col" class={classOf(columnStyle)}>
        {children}
      </th>
    );
  return (
    <th scope="col" class={classOf(columnStyle)} aria-sort={sort}>
      <button type="button" class="sort" onClick={() => column.toggleSorting()}>
        {children}
        <span aria-hidden="true">{{ none: '', ascending: ' ↑', descending: ' ↓' }[sort]}</span>
      </button>
    </th>
  );
}
