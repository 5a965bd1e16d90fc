import type { AnyTable } from '@intendant/core';
import type { DataStoreInternals } from '@intendant/core/internal';

type Refusal = Parameters<DataStoreInternals['refuseChanges']>[1];
type Verb = Parameters<Refusal>[0];

/** The method to call instead, on `realization.as(context)`. */
const REPLACEMENTS: Record<Verb, string> = {
  insert: 'persistIntent',
  insertMany: 'persistIntents',
  update: 'persistIntent',
  updateMany: 'persistIntents',
  upsert: 'persistIntent',
  softDelete: 'softDelete',
  delete: 'softDelete (or delete, or purge)',
  deleteMany: 'softDeleteMany (or purgeMany)',
};

const CONSEQUENCES: Record<Verb, string> = {
  insert: 'would have no status and no jobs',
  insertMany: 'would have no status and no jobs',
  update: 'would be realized late, if at all',
  updateMany: 'would be realized late, if at all',
  upsert: 'would have no status and no jobs',
  softDelete: 'would stay at its enforcement points',
  delete: 'would stay at its enforcement points',
  deleteMany: 'would stay at its enforcement points',
};

/** The message for a change by a session of core, of which realization would not learn. */
export const refuseDirectChange =
  ({ name }: Pick<AnyTable, 'name'>): Refusal =>
  (verb) =>
    `${verb} ${name}: the table is registered with realization, and what is changed without it ${CONSEQUENCES[verb]}; ` +
    `use ${REPLACEMENTS[verb]} of realization.as(context), or give { bypassRealization: true } if you mean it`;
