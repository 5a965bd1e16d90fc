import { useQuery } from '@tanstack/preact-query';
import { type Activity, STATUSES, type Status, type Summary } from '../api/model.ts';
import { activityQuery } from '../api/queries.ts';
import { Link } from '../location/link.tsx';
import { plural, printLatency, printNumber, printStatus } from '../ui/format.ts';
import { StatusBar, StatusChip } from '../ui/status.tsx';
import { ActivityPlots } from './activity-plots.tsx';
import { NewestErrors } from './newest-errors.tsx';

const SHOWN: readonly Status[] = ['REALIZED', 'PENDING', 'IN_PROGRESS', 'ERROR'];

export function OverviewView({ summary }: { readonly summary: Summary }) {
  const { tables, points } = summary;
  const activity = useQuery(activityQuery());
  const count = (status: Status) => tables.reduce((sum, { statuses }) => sum + (statuses[status] ?? 0), 0);
  const latest = activity.data?.activity.findLast(({ p99Ms }) => p99Ms !== null);
  const isOneTable = tables.length === 1;
  return (
    <>
      <header>
        <h1>Overview</h1>
        <span class="right">
          {plural(
            tables.reduce((sum, { total }) => sum + total, 0),
            'resource',
          )}
        </span>
      </header>
      <section class="tiles" aria-label="Resources by status">
        {SHOWN.map((status) => (
          <Link
            key={status}
            class={`tile ${status === 'ERROR' && count(status) > 0 ? 'alert' : ''}`}
            to={`resources?${isOneTable ? '' : `table=${encodeURIComponent(tableWithMost(summary, status))}&`}status=${status}`}
          >
            <span>{printStatus(status)}</span>
            <strong>{printNumber(count(status))}</strong>
          </Link>
        ))}
        <Link class={`tile ${points.stale > 0 ? 'alert' : ''}`} to="points">
          <span>stale points</span>
          <strong>
            {printNumber(points.stale)} <small>of {printNumber(points.live + points.stale)}</small>
          </strong>
        </Link>
        <div class="tile">
          <span>intent to realized, p99</span>
          <strong>{printLatency(latest?.p99Ms)}</strong>
        </div>
      </section>
      <ActivityPlots activity={activity.data?.activity ?? NO_ACTIVITY} />
      <div class="columns">
        <TablesCard summary={summary} />
        <NewestErrors errors={summary.errors} />
      </div>
    </>
  );
}

/** The plots are empty until their data has been read, so that the layout does not move. */
const NO_ACTIVITY: readonly Activity[] = [];

/** The target of a tile's link: the table with the largest number. */
function tableWithMost({ tables }: Summary, status: Status): string {
  const sorted = tables.toSorted((a, b) => (b.statuses[status] ?? 0) - (a.statuses[status] ?? 0));
  return sorted[0]?.table ?? '';
}

function TablesCard({ summary: { tables } }: { readonly summary: Summary }) {
  return (
    <section class="card" aria-labelledby="tables-title">
      <h2 id="tables-title">Tables</h2>
      <div class="scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Table</th>
              <th scope="col" class="num">
                Resources
              </th>
              <th scope="col" class="wide">
                Shares
              </th>
              <th scope="col">Other statuses</th>
            </tr>
          </thead>
          <tbody>
            {tables.map(({ table, total, statuses }) => (
              <tr key={table}>
                <td>
                  <Link to={`resources?table=${encodeURIComponent(table)}`}>{table}</Link>
                </td>
                <td class="num">{printNumber(total)}</td>
                <td>
                  <StatusBar counts={statuses} />
                </td>
                <td>
                  <span class="chips">
                    {STATUSES.filter((status) => status !== 'REALIZED' && (statuses[status] ?? 0) > 0).map((status) => (
                      <Link key={status} to={`resources?table=${encodeURIComponent(table)}&status=${status}`}>
                        <StatusChip status={status} /> {printNumber(statuses[status] ?? 0)}
                      </Link>
                    ))}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}
