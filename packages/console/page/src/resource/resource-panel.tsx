import { useQuery } from '@tanstack/preact-query';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useActions } from '../action/actions.tsx';
import { ApiProblem, get, resourcePath } from '../api/client.ts';
import type { ResourceDetail, ResourceHistory } from '../api/model.ts';
import { navigate, withQuery } from '../location/location.ts';
import { printField, printStatus } from '../ui/format.ts';
import { KeyText } from '../ui/key-text.tsx';
import { Ago } from '../ui/moment.tsx';
import { Loaded, Notice } from '../ui/notice.tsx';
import { StatusBar, StatusChip } from '../ui/status.tsx';
import { visibleText } from '../ui/visible-text.ts';
import { countStatuses, PointList } from './point-list.tsx';
import { Timeline } from './timeline.tsx';

interface Name {
  readonly table: string;
  readonly id: string;
}

const close = (): void => navigate(withQuery('resources', new URLSearchParams(location.search)));

/** The details of one resource, beside the list or, on a small screen, instead of it. */
export function ResourcePanel({ name }: { readonly name: Name }) {
  const panel = useRef<HTMLElement>(null);
  const detail = useQuery({
    queryKey: ['resource', name.table, name.id],
    queryFn: ({ signal }) => get<ResourceDetail>(resourcePath(name), signal),
  });
  useEffect(() => panel.current?.focus(), []);
  useEffect(() => {
    const leave = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !document.querySelector('dialog[open]')) close();
    };
    addEventListener('keydown', leave);
    return () => removeEventListener('keydown', leave);
  }, []);
  return (
    <aside class="card panel" ref={panel} tabIndex={-1} aria-label={`${name.table} ${name.id}`}>
      <button type="button" class="quiet close" aria-label="Close" title="Close (Escape)" onClick={close}>
        ×
      </button>
      {isGone(detail) ? <Removed name={name} /> : <Loaded of={detail}>{(data) => <Detail detail={data} />}</Loaded>}
    </aside>
  );
}

const isGone = ({ data, error }: { readonly data: unknown; readonly error: Error | null }): boolean =>
  data === undefined && error instanceof ApiProblem && error.status === 404;

function Removed({ name: { table, id } }: { readonly name: Name }) {
  return (
    <>
      <h2>
        <bdi>{visibleText(id)}</bdi>
      </h2>
      <p class="dim">{table}</p>
      <Notice tone="bad">There is no such resource. It may have been removed since the list was read.</Notice>
    </>
  );
}

function Detail({ detail }: { readonly detail: ResourceDetail }) {
  const { status, points, since, revision, table } = detail;
  return (
    <>
      <h2>
        <KeyText of={detail} />
      </h2>
      <p class="dim">
        {table}, revision {revision}
      </p>
      <p class="overall">
        <StatusChip status={status} />
        <span class="dim">
          for <Ago at={since} />
        </span>
      </p>
      <StatusBar counts={countStatuses(points)} />
      {detail.mayWrite && <DetailActions detail={detail} />}
      <PointList points={points} />
      <Tabs detail={detail} />
    </>
  );
}

function DetailActions({ detail: { table, key, id } }: { readonly detail: ResourceDetail }) {
  const ask = useActions();
  const body = { table, keys: [key] };
  const retry = `Unfinished work of ${id} becomes due now, and its attempts are counted from 1. No new revision is made.`;
  const resync = `Workers check whether ${id} still matches its intent at the points where it is realized, and repair it if not.`;
  const purge = `Every trace of ${id} is removed: its record and its statuses. Workers do not unrealize it first. This cannot be undone.`;
  return (
    <p class="buttons">
      <button type="button" class="primary" onClick={() => ask({ action: 'retry', body, effect: retry })}>
        Retry
      </button>
      <button type="button" onClick={() => ask({ action: 'resync', body, effect: resync })}>
        Resync
      </button>
      <button type="button" onClick={() => ask({ action: 'purge', body, effect: purge })}>
        Purge
      </button>
    </p>
  );
}

const TABS = { timeline: 'Timeline', revisions: 'Revisions', record: 'Record' } as const;

type Tab = keyof typeof TABS;

function Tabs({ detail }: { readonly detail: ResourceDetail }) {
  const [tab, setTab] = useState<Tab>('timeline');
  const history = useQuery({
    queryKey: ['history', detail.table, detail.id],
    queryFn: ({ signal }) => get<ResourceHistory>(`${resourcePath(detail)}/history`, signal),
  });
  return (
    <>
      <fieldset class="tabs">
        <legend class="hidden">More of this resource</legend>
        {(Object.keys(TABS) as Tab[]).map((name) => (
          <button key={name} type="button" aria-pressed={tab === name} onClick={() => setTab(name)}>
            {TABS[name]}
          </button>
        ))}
      </fieldset>
      {tab === 'record' && <RecordFields record={detail.record} />}
      {tab === 'timeline' && <Loaded of={history}>{(data) => <Timeline history={data} />}</Loaded>}
      {tab === 'revisions' && <Loaded of={history}>{(data) => <Revisions history={data} />}</Loaded>}
    </>
  );
}

function RecordFields({ record }: { readonly record: ResourceDetail['record'] }) {
  if (record === null) return <Notice>The row is gone; only its statuses are left.</Notice>;
  return (
    <dl>
      {Object.entries(record).map(([field, value]) => (
        <div key={field}>
          <dt>{field}</dt>
          <dd>{printField(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

function Revisions({ history: { revisions } }: { readonly history: ResourceHistory }) {
  if (revisions.length === 0) return <Notice>The change log holds nothing of it any more.</Notice>;
  return (
    <ol class="timeline">
      {revisions.map(({ revision, operation, occurredAt, fields }) => (
        <li key={`${revision} ${occurredAt}`}>
          <Ago at={occurredAt} />
          <div>
            <strong>revision {revision ?? '–'}</strong> <span class="dim">{printStatus(operation)}</span>
            {fields === null && operation === 'update' && <p class="dim">The log does not hold what changed.</p>}
            {fields?.map(({ field, before, after }) => (
              <p key={field} class="diff">
                <b>{field}</b> <del>{printField(before)}</del> <span aria-hidden="true">→</span>{' '}
                <ins>{printField(after)}</ins>
              </p>
            ))}
          </div>
        </li>
      ))}
    </ol>
  );
}
