import { useQuery } from '@tanstack/preact-query';
import { useEffect, useRef, useState } from 'preact/hooks';
import { STATUSES, type Status, type Summary } from '../api/model.ts';
import { pointsQuery } from '../api/queries.ts';
import { changeQuery } from '../location/location.ts';
import { printNumber, printStatus } from '../ui/format.ts';
import { STATUS_STYLES } from '../ui/status.tsx';
import { hasFilter, type ResourceQuery } from './resource-query.ts';

const AGES = { '': 'any age', '1m': 'over 1 min', '10m': 'over 10 min', '1h': 'over 1 h', '1d': 'over 1 day' };
const ORDERS = { '': 'by key', newest: 'newest status first', oldest: 'oldest status first' };

/** The filters are stored in the address, so that a view can be shared as a link. */
const set = (changes: Record<string, string>): void => changeQuery({ ...changes, after: undefined }, 'resources');

export function FilterBar({ query, summary }: { readonly query: ResourceQuery; readonly summary: Summary }) {
  return (
    <search class="filters">
      <div class="bar">
        {summary.tables.length > 1 && (
          <select
            aria-label="Table"
            value={query.table}
            onChange={(event) => set({ table: event.currentTarget.value })}
          >
            {summary.tables.map(({ table }) => (
              <option key={table}>{table}</option>
            ))}
          </select>
        )}
        <SearchInput value={query.q} />
        <PointInput value={query.point} />
        <Choice label="Age of the status" name="olderThan" value={query.olderThan} options={AGES} />
        <Choice label="Order" name="order" value={query.order} options={ORDERS} />
        {hasFilter(query) && (
          <button type="button" onClick={() => set({ status: '', point: '', q: '', olderThan: '' })}>
            Clear filters
          </button>
        )}
      </div>
      <StatusFilter query={query} summary={summary} />
    </search>
  );
}

interface ChoiceProps {
  readonly label: string;
  readonly name: string;
  readonly value: string;
  readonly options: Readonly<Record<string, string>>;
}

const Choice = ({ label, name, value, options }: ChoiceProps) => (
  <select aria-label={label} value={value} onChange={(event) => set({ [name]: event.currentTarget.value })}>
    {Object.entries(options).map(([option, text]) => (
      <option key={option} value={option}>
        {text}
      </option>
    ))}
  </select>
);

const TYPING_MS = 250;

/** Text that is not yet in the address. It is put there when the user stops typing. */
function useTyped(value: string, name: string): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => setText(value), [value]);
  const type = (typed: string) => {
    setText(typed);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => set({ [name]: typed }), TYPING_MS);
  };
  return [text, type];
}

function SearchInput({ value }: { readonly value: string }) {
  const [text, type] = useTyped(value, 'q');
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    const focus = (event: KeyboardEvent) => {
      const isTyping = event.target instanceof HTMLElement && /^(INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
      if (event.key !== '/' || isTyping) return;
      event.preventDefault();
      input.current?.focus();
    };
    addEventListener('keydown', focus);
    return () => removeEventListener('keydown', focus);
  }, []);
  return (
    <input
      ref={input}
      type="search"
      placeholder="Search: words, or field:value"
      aria-label="Search by key or field"
      aria-keyshortcuts="/"
      value={text}
      onInput={(event) => type(event.currentTarget.value)}
    />
  );
}

function PointInput({ value }: { readonly value: string }) {
  const [text, type] = useTyped(value, 'point');
  const [isWanted, setWanted] = useState(false);
  const points = useQuery({ ...pointsQuery(), enabled: isWanted });
  return (
    <>
      <input
        class="short"
        type="search"
        list="points"
        placeholder="At any point"
        aria-label="Enforcement point"
        value={text}
        onFocus={() => setWanted(true)}
        onInput={(event) => type(event.currentTarget.value)}
      />
      <datalist id="points">
        {points.data?.points.map(({ id }) => (
          <option key={id} value={id} />
        ))}
      </datalist>
    </>
  );
}

function StatusFilter({ query, summary }: { readonly query: ResourceQuery; readonly summary: Summary }) {
  const counts = summary.tables.find(({ table }) => table === query.table)?.statuses ?? {};
  const chosen = new Set(query.status.split(',').filter((status) => status !== ''));
  const shown = STATUSES.filter((status) => (counts[status] ?? 0) > 0 || chosen.has(status) || MAIN.has(status));
  const toggle = (status: Status) => {
    const next = new Set(chosen);
    if (!next.delete(status)) next.add(status);
    set({ status: [...next].join(',') });
  };
  return (
    <fieldset class="pills">
      <legend class="hidden">Status</legend>
      {shown.map((status) => (
        <button
          key={status}
          type="button"
          class={`pill ${STATUS_STYLES[status].tone}`}
          aria-pressed={chosen.has(status)}
          onClick={() => toggle(status)}
        >
          <i aria-hidden="true">{STATUS_STYLES[status].sign}</i>
          {printStatus(status)} <b>{printNumber(counts[status] ?? 0)}</b>
        </button>
      ))}
    </fieldset>
  );
}

const MAIN: ReadonlySet<Status> = new Set(['ERROR', 'PENDING', 'IN_PROGRESS', 'REALIZED']);
