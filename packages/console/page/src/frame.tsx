import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { signOut } from './api/client.ts';
import type { Caller, Summary } from './api/model.ts';
import { useLiveState } from './live/live-changes.ts';
import { Link } from './location/link.tsx';
import { printNumber } from './ui/format.ts';
import { applyTheme, theme, themeAfter } from './ui/theme.ts';
import { visibleText } from './ui/visible-text.ts';

interface Item {
  readonly to: string;
  readonly label: string;
  /** Number of entries that need attention. */
  readonly alerts?: number;
}

export function Frame({
  summary,
  view,
  children,
}: {
  readonly summary: Summary;
  readonly view: string;
  readonly children: ComponentChildren;
}) {
  return (
    <div class="app">
      <a class="skip" href="#main">
        Skip to the content
      </a>
      <nav aria-label="Views">
        <b>Intendant</b>
        {itemsFor(summary).map(({ to, label, alerts = 0 }) => (
          <Link key={to} to={to} aria-current={view === to ? 'page' : undefined}>
            {label}
            {alerts > 0 && <em>{printNumber(alerts)}</em>}
          </Link>
        ))}
        <div class="me">
          <LiveIndicator />
          <CallerText caller={summary.caller} />
          <ThemeButton />
          <button type="button" class="quiet" onClick={() => void signOut()}>
            Sign out
          </button>
        </div>
      </nav>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function itemsFor({ caller, tables, points }: Summary): Item[] {
  const errors = tables.reduce((sum, { statuses }) => sum + (statuses.ERROR ?? 0), 0);
  return [
    { to: '', label: 'Overview' },
    { to: 'resources', label: 'Resources', alerts: errors },
    { to: 'points', label: 'Points', alerts: points.stale },
    { to: 'changes', label: 'Changes' },
    ...(caller.seesService ? [{ to: 'dead-letters', label: 'Dead letters' }] : []),
    ...(caller.seesAllTenants ? [{ to: 'tenants', label: 'Tenants' }] : []),
  ];
}

const LIVE_TEXTS = { connecting: 'Connecting …', live: 'Live', lost: 'Connection lost, trying again …' } as const;

function LiveIndicator() {
  const state = useLiveState();
  return (
    <span class="live" data-state={state} role="status">
      {LIVE_TEXTS[state]}
    </span>
  );
}

function CallerText({ caller: { orgId, subject, mayWrite } }: { readonly caller: Caller }) {
  return (
    <small>
      <strong>{orgId === null ? 'All tenants' : visibleText(orgId)}</strong>
      {mayWrite ? 'may read and change' : 'may only read'}
      {subject !== null && <span title={subject}>{subject}</span>}
    </small>
  );
}

function ThemeButton() {
  const [current, setCurrent] = useState(theme());
  const change = () => {
    const next = themeAfter(current);
    applyTheme(next);
    setCurrent(next);
  };
  return (
    <button type="button" class="quiet" onClick={change}>
      Theme: {current}
    </button>
  );
}
