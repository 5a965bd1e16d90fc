import { on } from '@intendant/realization';
import type { WorkerSetting } from '../index.ts';
import { vm } from './vm.ts';

/** Fails at what is called `broken`. */
export default ({ realization }: WorkerSetting) =>
  realization.worker({
    enforcementPoint: 'E1',
    retry: { limit: 1 },
    handlers: [
      on(vm, {
        realize: async ({ record }) => {
          if (record.name === 'broken') throw new Error('no space left on device');
        },
      }),
    ],
  });
