import type { Counts, Status } from '../api/model.ts';
import { STATUSES } from '../api/model.ts';
import { printNumber, printStatus } from './format.ts';

/** A letter or sign beside the colour, so that colour is never the only indication of a status. */
export const STATUS_STYLES: Readonly<Record<Status, { readonly sign: string; readonly tone: string }>> = {
  ERROR: { sign: '!', tone: 'bad' },
  PENDING: { sign: 'P', tone: 'wait' },
  IN_PROGRESS: { sign: '…', tone: 'work' },
  REALIZED: { sign: 'R', tone: 'ok' },
  DELETION_PENDING: { sign: '−', tone: 'gone' },
  DELETION_IN_PROGRESS: { sign: '⋯', tone: 'gone' },
  DELETION_REALIZED: { sign: '×', tone: 'gone' },
  UNKNOWN: { sign: '?', tone: 'none' },
};

export function StatusChip({ status }: { readonly status: Status }) {
  const { sign, tone } = STATUS_STYLES[status];
  return (
    <span class={`chip ${tone}`}>
      <i aria-hidden="true">{sign}</i>
      {printStatus(status)}
    </span>
  );
}

/** One resource at one point. */
export function StatusCell({ point, status }: { readonly point: string; readonly status: Status }) {
  const { sign, tone } = STATUS_STYLES[status];
  const text = `${point}: ${printStatus(status)}`;
  return (
    <span class={`cell ${tone}`} title={text} role="img" aria-label={text}>
      {sign}
    </span>
  );
}

/** The shares of the statuses as one bar, with the numbers as text for screen readers. */
export function StatusBar({ counts }: { readonly counts: Counts }) {
  const present = STATUSES.filter((status) => (counts[status] ?? 0) > 0);
  const text = present.map((status) => `${printNumber(counts[status] ?? 0)} ${printStatus(status)}`).join(', ');
  return (
    <span class="statusbar" role="img" aria-label={text || 'nothing'} title={text}>
      {present.map((status) => (
        <span key={status} class={STATUS_STYLES[status].tone} style={{ flexGrow: counts[status] ?? 0 }} />
      ))}
    </span>
  );
}
