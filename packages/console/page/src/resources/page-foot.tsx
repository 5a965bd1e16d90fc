import { changeQuery } from '../location/location.ts';
import { printNumber } from '../ui/format.ts';
import type { ResourceQuery } from './resource-query.ts';

interface PageFootProps {
  readonly query: ResourceQuery;
  readonly count: number;
  readonly total: number | undefined;
  readonly next: string | null;
}

/** Pages advance by a cursor, which stays correct while resources are added and removed. */
export function PageFoot({ query, count, total, next }: PageFootProps) {
  return (
    <div class="foot">
      <span>
        {printNumber(count)}
        {total !== undefined && ` of ${printNumber(total)}`}
      </span>
      {query.after !== '' && (
        <button type="button" onClick={() => changeQuery({ after: undefined })}>
          First page
        </button>
      )}
      {next !== null && (
        <button type="button" onClick={() => changeQuery({ after: next })}>
          Next page
        </button>
      )}
      <span class="keys">
        <kbd>↑</kbd> <kbd>↓</kbd> move, <kbd>Space</kbd> selects, <kbd>Enter</kbd> opens, <kbd>R</kbd> retries,{' '}
        <kbd>/</kbd> searches
      </span>
    </div>
  );
}
