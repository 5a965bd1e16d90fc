import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useMemo, useRef, useState } from 'preact/hooks';
import { resourcePath } from '../api/client.ts';
import type { Change } from '../api/model.ts';
import { useChanges } from '../live/live-changes.ts';
import { Link } from '../location/link.tsx';
import { plural, printClock, printMoment, printNumber } from '../ui/format.ts';
import { KeyText, keyText } from '../ui/key-text.tsx';
import { Notice } from '../ui/notice.tsx';
import { visibleText } from '../ui/visible-text.ts';
import { ChangeBuffer } from './change-buffer.ts';

const KINDS = { resource: 'record', overall: 'overall status', enforcement: 'status at a point' } as const;
const ROW_HEIGHT = 34;

export function ChangesView({ tables }: { readonly tables: readonly string[] }) {
  const [table, setTable] = useState('');
  const [kind, setKind] = useState('');
  const [text, setText] = useState('');
  const { buffer, isPaused, setPaused, version } = useBuffer();
  const shown = useMemo(
    () => buffer.newestFirst((change) => isShown(change, { table, kind, text })),
    [version, table, kind, text],
  );
  return (
    <>
      <header>
        <h1>Changes</h1>
        <span class="right">
          {plural(buffer.seen, 'change')} since this view was opened
          {buffer.seen > buffer.size && `; the last ${printNumber(buffer.size)} are shown`}
        </span>
      </header>
      <div class="bar">
        <input
          type="search"
          placeholder="Search by key, tenant or point"
          aria-label="Search changes"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <select aria-label="Table" value={table} onChange={(event) => setTable(event.currentTarget.value)}>
          <option value="">every table</option>
          {tables.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
        <select aria-label="What changed" value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
          <option value="">records and statuses</option>
          {Object.entries(KINDS).map(([value, label]) => (
            <option key={value} value={value}>
              {label}
            </option>
          ))}
        </select>
        <button
          type="button"
          class={isPaused ? 'primary' : ''}
          aria-pressed={isPaused}
          onClick={() => setPaused(!isPaused)}
        >
          {isPaused ? `Continue (${printNumber(buffer.waiting)} new)` : 'Pause'}
        </button>
      </div>
      {shown.length === 0 ? (
        <Notice>{isPaused ? 'Paused.' : 'Waiting for changes …'}</Notice>
      ) : (
        <ChangeList changes={shown} />
      )}
    </>
  );
}

/** The changes since the view was opened, rendered at most four times per second. */
function useBuffer() {
  const buffer = useMemo(() => new ChangeBuffer(), []);
  const [version, setVersion] = useState(0);
  const [isPaused, setIsPaused] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  const draw = useCallback(() => {
    timer.current ??= setTimeout(() => {
      timer.current = undefined;
      setVersion((last) => last + 1);
    }, 250);
  }, []);
  useChanges(
    useCallback(
      (change: Change) => {
        buffer.add(change);
        draw();
      },
      [buffer, draw],
    ),
  );
  const setPaused = (paused: boolean) => {
    buffer.setPaused(paused);
    setIsPaused(paused);
  };
  return { buffer, isPaused, setPaused, version };
}

interface ShownChanges {
  readonly table: string;
  readonly kind: string;
  readonly text: string;
}

const isShown = (change: Change, { table, kind, text }: ShownChanges): boolean =>
  (table === '' || change.table === table) &&
  (kind === '' || change.kind === kind) &&
  (text === '' ||
    `${keyText(change)} ${change.orgId ?? ''} ${change.point ?? ''}`.toLowerCase().includes(text.toLowerCase()));

function ChangeList({ changes }: { readonly changes: readonly Change[] }) {
  const scroll = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: changes.length,
    getScrollElement: () => scroll.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 12,
  });
  return (
    <section class="card flush scroll tall" ref={scroll} aria-label="Changes, the newest first">
      <ol class="changes" style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, start }) => {
          const change = changes[index];
          if (!change) return null;
          return (
            <li key={change.position} style={{ transform: `translateY(${start}px)` }}>
              <time dateTime={change.occurredAt} title={printMoment(change.occurredAt)}>
                {printClock(change.occurredAt)}
              </time>
              <span class={`op ${change.operation}`}>{change.operation}</span>
              <span class="dim">{change.table}</span>
              <Link to={resourcePath(change)}>
                <KeyText of={change} />
              </Link>
              <span class="dim">
                {change.point === null ? KINDS[change.kind] : `status at ${visibleText(change.point)}`}
                {change.revision !== null && `, revision ${change.revision}`}
              </span>
            </li>
          );
        })}
      </ol>
    </section>
  );
}
