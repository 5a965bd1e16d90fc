import { useQuery } from '@tanstack/preact-query';
import { createColumnHelper } from '@tanstack/preact-table';
import { useState } from 'preact/hooks';
import { useActions } from '../action/actions.tsx';
import type { Caller, Point } from '../api/model.ts';
import { pointsQuery } from '../api/queries.ts';
import { Link } from '../location/link.tsx';
import { DataTable, type SortableFeatures } from '../ui/data-table.tsx';
import { plural, printNumber } from '../ui/format.ts';
import { Ago } from '../ui/moment.tsx';
import { Loaded } from '../ui/notice.tsx';
import { StatusBar } from '../ui/status.tsx';
import { visibleText } from '../ui/visible-text.ts';

const helper = createColumnHelper<SortableFeatures, Point>();

const HEALTH = { live: ['●', 'ok'], stale: ['!', 'bad'], removed: ['×', 'gone'], unregistered: ['?', 'none'] } as const;
const HEALTH_ORDER = ['stale', 'live', 'unregistered', 'removed'];

function Health({ health }: { readonly health: Point['health'] }) {
  const [sign, tone] = HEALTH[health];
  return (
    <span class={`chip ${tone}`}>
      <i aria-hidden="true">{sign}</i>
      {health}
    </span>
  );
}

const figure = (id: string, header: string, of: (point: Point) => number, isAlert = false) =>
  helper.accessor(of, {
    id,
    header,
    meta: { isNumber: true, isAlert },
    cell: ({ getValue }) => printNumber(getValue()),
  });

const printLabels = (labels: Point['labels']): string =>
  Object.entries(labels)
    .map(([name, value]) => `${name}=${String(value)}`)
    .join(' ');

const COLUMNS = helper.columns([
  helper.accessor('id', {
    header: 'Point',
    cell: ({ getValue }) => (
      <Link class="cut name" to={`resources?point=${encodeURIComponent(getValue())}`} title={getValue()}>
        {visibleText(getValue())}
      </Link>
    ),
  }),
  helper.accessor(({ health }) => HEALTH_ORDER.indexOf(health), {
    id: 'health',
    header: 'Health',
    cell: ({ row }) => <Health health={row.original.health} />,
  }),
  helper.accessor(({ lastSeenAt }) => (lastSeenAt === null ? 0 : Date.parse(lastSeenAt)), {
    id: 'seen',
    header: 'Last seen',
    meta: { isNumber: true },
    cell: ({ row: { original } }) => (original.lastSeenAt === null ? '–' : <Ago at={original.lastSeenAt} />),
  }),
  figure('workers', 'Workers', ({ workers }) => workers),
  figure('due', 'Due', ({ queue }) => queue.due),
  figure('waiting', 'Waiting', ({ queue }) => queue.waiting),
  figure('running', 'Running', ({ queue }) => queue.running),
  helper.accessor(({ queue }) => (queue.oldestDueAt === null ? 0 : -Date.parse(queue.oldestDueAt)), {
    id: 'oldest',
    header: 'Oldest job',
    meta: { isNumber: true },
    cell: ({ row: { original } }) =>
      original.queue.oldestDueAt === null ? '–' : <Ago at={original.queue.oldestDueAt} />,
  }),
  figure('errors', 'In error', ({ statuses }) => statuses.ERROR ?? 0, true),
  helper.display({
    id: 'shares',
    header: 'Resources',
    meta: { isWide: true },
    cell: ({ row }) => <StatusBar counts={row.original.statuses} />,
  }),
  helper.accessor(({ labels }) => printLabels(labels), {
    id: 'labels',
    header: 'Labels',
    cell: ({ getValue }) => <span class="dim">{getValue()}</span>,
  }),
]);

const DRAIN = helper.columns([
  helper.display({
    id: 'drain',
    header: () => <span class="hidden">Actions</span>,
    cell: ({ row }) => <DrainButton point={row.original} />,
  }),
]);

function DrainButton({ point }: { readonly point: Point }) {
  const ask = useActions();
  if (point.health === 'removed' || point.health === 'unregistered') return null;
  const effect = `Everything at ${point.id} is unrealized there, nothing is placed there any more, and no resource waits for it. Its workers should run until that is done. The point stays in the list as removed, and can be added again.`;
  return (
    <button type="button" class="small" onClick={() => ask({ action: 'drain', body: { point: point.id }, effect })}>
      Drain<span class="hidden"> {point.id}</span>
    </button>
  );
}

const matches = ({ id, labels, health }: Point, text: string): boolean =>
  `${id} ${health} ${printLabels(labels)}`.toLowerCase().includes(text.toLowerCase());

export function PointsView({ caller }: { readonly caller: Caller }) {
  const [text, setText] = useState('');
  const points = useQuery({ ...pointsQuery(), refetchInterval: 5_000 });
  const columns = caller.seesService && caller.mayWrite ? [...COLUMNS, ...DRAIN] : COLUMNS;
  return (
    <>
      <header>
        <h1>Points</h1>
        {points.data && <span class="right">{plural(points.data.points.length, 'point')}, stale first</span>}
      </header>
      <div class="bar">
        <input
          type="search"
          placeholder="Search by name, label or health"
          aria-label="Search points"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </div>
      <Loaded of={points}>
        {(data) => (
          <DataTable
            label="Points"
            columns={columns}
            rows={data.points.filter((point) => matches(point, text))}
            idOf={({ id }) => id}
          />
        )}
      </Loaded>
    </>
  );
}
