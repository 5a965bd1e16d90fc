import type { ChangeEvent } from '../history/history-event.ts';
import type { Checker, Found } from './checker.ts';
import { type FollowedRow, followedRows } from './followers.ts';
import { operationsOf } from './operations.ts';

/** Changes of a row arrive in the order of positions and revisions, without a gap. */
export const changeOrder: Checker = {
  rule: 'the changes of each row are delivered in order, without a gap',
  *check(history) {
    for (const followed of followedRows(history)) {
      yield* checkPositions(followed);
      if (followed.changes[0]?.point === undefined) yield* checkRevisions(followed);
    }
  },
};

function* pairs(changes: readonly ChangeEvent[]): Generator<readonly [ChangeEvent, ChangeEvent]> {
  for (let index = 1; index < changes.length; index++)
    yield [changes[index - 1] as ChangeEvent, changes[index] as ChangeEvent];
}

function* checkPositions({ name, row, changes }: FollowedRow): Generator<Found> {
  for (const [before, after] of pairs(changes))
    if (after.position <= before.position)
      yield { at: after.at, text: `${row}: ${name} received ${after.position} after ${before.position}` };
}

/** A deleted row may be created again at any higher revision; its `delete` has the revision that it had. */
function* checkRevisions({ name, row, changes }: FollowedRow): Generator<Found> {
  for (const [before, after] of pairs(changes)) {
    const from = before.revision ?? 0;
    const to = after.revision ?? 0;
    const isFine =
      before.operation === 'delete' ? to >= from : to === from + 1 || (after.operation === 'delete' && to === from);
    if (!isFine)
      yield {
        at: after.at,
        text: `${row}: ${name} received ${after.operation} of revision ${to} after revision ${from}`,
      };
  }
}

/** Every delivered value was written by an operation that did not fail. */
export const onlyWrittenChanges: Checker = {
  rule: 'no change is invented',
  spansFailovers: true,
  *check(history) {
    const written = new Map(operationsOf(history).map((run) => [run.invoked.value, run]));
    for (const { name, row, changes } of followedRows(history)) {
      for (const change of changes) {
        if (change.point !== undefined || change.operation === 'delete') continue;
        const run = written.get(change.value);
        if (run === undefined)
          yield { at: change.at, text: `${row}: ${name} received a value that nobody wrote: ${change.value}` };
        else if (run.outcome === 'failed')
          yield { at: change.at, text: `${row}: ${name} received what ${run.call} failed to write` };
        else if (run.row !== row)
          yield { at: change.at, text: `${row}: ${name} received a value that was written to ${run.row}` };
      }
    }
  },
};
