import type { Scenario } from '../scenario.ts';
import { contest, contestAtEachLoad, PG_PEERS } from './scoped.ts';

export const scopedWrite: Scenario = {
  name: 'scoped-write',
  question: 'What does it cost to insert a record and then update it at its revision, each committed to disk?',
  needsHeavyPeers: true,
  async run(bench) {
    const both = await contestAtEachLoad(bench, 'scoped-write', 'write', 'writes/s');
    const peers = PG_PEERS;
    const insert = await contest(bench, 'scoped-write.insert', bench.workload('insert'), { unit: 'inserts/s', peers });
    const update = await contest(bench, 'scoped-write.update', bench.workload('update'), { unit: 'updates/s', peers });
    return { ...both, ...insert, ...update };
  },
};
