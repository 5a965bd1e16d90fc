import type { Scenario } from '../scenario.ts';

const LIMIT_MB = 150;
const QUICK_JOBS = 500;
const FULL_JOBS = 10_000;
const SETTLING_MS = 500;

export const memory: Scenario = {
  name: 'memory',
  question: 'How much memory does a worker hold while it is busy and 10,000 jobs wait?',
  async run(bench) {
    const jobs = bench.effort.isQuick ? QUICK_JOBS : FULL_JOBS;
    const workload = bench.workload('waiting-jobs-memory', { size: jobs, durationMs: SETTLING_MS });
    const { contestant } = await bench.start('intendant-realization');
    try {
      const { value } = await contestant.run(workload);
      return {
        'memory.worker': {
          ours: value,
          peer: LIMIT_MB,
          unit: 'MB resident',
          ratio: LIMIT_MB / value,
          spread: 0,
          better: 'lower',
          peerName: 'the limit set for it',
          note: `${jobs.toLocaleString('en-US')} jobs waited. The same process had persisted the intents.`,
        },
      };
    } finally {
      await contestant.close();
    }
  },
};
