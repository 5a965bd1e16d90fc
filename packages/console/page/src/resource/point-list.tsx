import { useState } from 'preact/hooks';
import type { Counts, PointStatus, Status } from '../api/model.ts';
import { printNumber } from '../ui/format.ts';
import { Ago, Until } from '../ui/moment.tsx';
import { StatusChip } from '../ui/status.tsx';
import { visibleText } from '../ui/visible-text.ts';

export function countStatuses(points: readonly PointStatus[]): Counts {
  const counts: Partial<Record<Status, number>> = {};
  for (const { status } of points) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

/** If there are many points, those without problems are shown on demand. */
const SHOWN_AT_FIRST = 12;

const ORDER: readonly Status[] = ['ERROR', 'PENDING', 'IN_PROGRESS', 'DELETION_PENDING', 'DELETION_IN_PROGRESS'];

const place = ({ status }: PointStatus): number => (ORDER.includes(status) ? ORDER.indexOf(status) : ORDER.length);

export function PointList({ points }: { readonly points: readonly PointStatus[] }) {
  const [isWhole, setWhole] = useState(false);
  const sorted = points.toSorted(
    (a, b) => place(a) - place(b) || a.point.localeCompare(b.point, 'en', { numeric: true }),
  );
  const shown = isWhole ? sorted.slice(0, 1_000) : sorted.slice(0, SHOWN_AT_FIRST);
  return (
    <section aria-label="Points">
      <ul class="points">
        {shown.map((point) => (
          <PointItem key={point.point} point={point} />
        ))}
      </ul>
      {!isWhole && points.length > shown.length && (
        <button type="button" class="link" onClick={() => setWhole(true)}>
          Show all {printNumber(points.length)} points
        </button>
      )}
    </section>
  );
}

function PointItem({
  point: { point, status, attempt, since, nextAttemptAt, job, error, revision, isRemoval },
}: {
  readonly point: PointStatus;
}) {
  return (
    <li>
      <div class="line">
        <b>
          <bdi>{visibleText(point)}</bdi>
        </b>
        <StatusChip status={status} />
        <span class="dim">
          {isRemoval && 'being removed, '}
          {attempt !== null && `attempt ${attempt}, `}
          revision {revision}, for <Ago at={since} />
          {job === 'waiting' && nextAttemptAt !== null && (
            <>
              , next try <Until at={nextAttemptAt} />
            </>
          )}
          {job === 'failed' && ', given up'}
        </span>
      </div>
      {error !== '' && <pre class="error">{error}</pre>}
    </li>
  );
}
