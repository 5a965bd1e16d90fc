import { on } from '@intendant/realization';
import type { WorkerSetting } from 'intendant';
import { machine } from './tables.ts';

/** A worker at the point named by the environment. Selectors use its region. */
export default function makeWorker({ realization, logger }: WorkerSetting) {
  const { ENFORCEMENT_POINT: enforcementPoint = 'local', REGION: region = 'local' } = process.env;
  return realization.worker({
    enforcementPoint,
    labels: { region },
    handlers: [
      on(machine, {
        realize: async ({ record, revision }) => logger.info({ id: record.id, revision }, 'realized'),
        unrealize: async ({ record }) => logger.info({ id: record.id }, 'unrealized'),
      }),
    ],
  });
}
