import type { Scenario } from '../scenario.ts';
import { contestAtEachLoad, contestCpu } from './scoped.ts';

export const scopedRead: Scenario = {
  name: 'scoped-read',
  question: 'What does it cost to find one record by key with tenants kept apart by the database?',
  needsHeavyPeers: true,
  async run(bench) {
    return {
      ...(await contestAtEachLoad(bench, 'scoped-read', 'read', 'reads/s')),
      ...(await contestCpu(bench, 'scoped-read.cpu', bench.workload('read'))),
    };
  },
};
