import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import type { Duty } from '../background/duty.ts';
import { SERVICE_SCOPE } from '../resource/service-scope.ts';
import { forgetFinished } from '../submit/operation-statements.ts';

/** Forgets the results of submitted operations when their retention time is over. */
export const forgetDuty = (
  store: DataStoreInternals,
  operations: () => RegisteredTable | undefined,
  afterMs: number,
): Duty => ({
  name: 'forget results',
  intervalMs: 60_000,
  work: async () => {
    const table = operations();
    if (table !== undefined && Number.isFinite(afterMs))
      await store.executor.run(SERVICE_SCOPE, [forgetFinished(table, afterMs)]);
    return undefined;
  },
});
