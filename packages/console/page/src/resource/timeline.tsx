import type { ResourceHistory, Revision, Transition } from '../api/model.ts';
import { printField } from '../ui/format.ts';
import { Ago } from '../ui/moment.tsx';
import { Notice } from '../ui/notice.tsx';
import { StatusChip } from '../ui/status.tsx';

type Entry = { readonly at: string; readonly key: string } & (
  | { readonly transition: Transition }
  | { readonly revision: Revision }
);

/** Statuses and revisions in order of time, newest first. */
function entriesOf({ transitions, revisions }: ResourceHistory): Entry[] {
  const entries: Entry[] = [
    ...transitions.map((transition, index) => ({
      at: transition.occurredAt,
      key: `t${transitions.length - index}`,
      transition,
    })),
    ...revisions.map((revision, index) => ({ at: revision.occurredAt, key: `r${revisions.length - index}`, revision })),
  ];
  return entries.sort((a, b) => (a.at < b.at ? 1 : -1));
}

export function Timeline({ history }: { readonly history: ResourceHistory }) {
  const entries = entriesOf(history);
  if (entries.length === 0) return <Notice>Nothing has happened yet.</Notice>;
  return (
    <ol class="timeline">
      {entries.map((entry) => (
        <li key={entry.key}>
          <Ago at={entry.at} />
          {'transition' in entry ? <TransitionText of={entry.transition} /> : <RevisionText of={entry.revision} />}
        </li>
      ))}
    </ol>
  );
}

function TransitionText({ of: { point, status, attempt, message, revision } }: { readonly of: Transition }) {
  return (
    <div>
      <StatusChip status={status} /> at <b>{point}</b>
      <span class="dim">
        {attempt !== null && `, attempt ${attempt}`}, revision {revision}
      </span>
      {message !== '' && <p class="message">{message}</p>}
    </div>
  );
}

function RevisionText({ of: { revision, operation, fields } }: { readonly of: Revision }) {
  const changes = fields
    ?.map(({ field, before, after }) => `${field} ${printField(before)} → ${printField(after)}`)
    .join(', ');
  return (
    <div>
      <strong>{operation === 'delete' ? 'deleted' : `revision ${revision ?? '–'}`}</strong>
      {changes !== undefined && changes !== '' && <span>: {changes}</span>}
    </div>
  );
}
