import type { Bench } from '../bench.ts';
import type { Results } from '../result.ts';
import type { Scenario } from '../scenario.ts';

export const protostore: Scenario = {
  name: 'protostore',
  question: 'What does a Protobuf message cost beside the same bytes in a table of core?',
  async run(bench) {
    return { ...(await contest(bench, 'insert')), ...(await contest(bench, 'find')) };
  },
};

async function contest(bench: Bench, operation: string): Promise<Results> {
  const contestant = await bench.contestant('intendant-protostore');
  const measure = (kind: string) => async () => (await contestant.run(bench.workload(`${operation}-${kind}`))).value;
  return bench.compare({
    name: `protostore.${operation}`,
    unit: 'messages/s',
    better: 'higher',
    ours: measure('message'),
    peers: [{ name: 'vs-bytes', peerName: 'the same bytes in a core table', measure: measure('bytes') }],
  });
}
