import type { Scenario } from '../scenario.ts';
import { contestAtEachLoad } from './scoped.ts';

export const scopedList: Scenario = {
  name: 'scoped-list',
  question: 'How fast do lists of 100 records of one tenant come back, in key order?',
  needsHeavyPeers: true,
  run: (bench) => contestAtEachLoad(bench, 'scoped-list', 'list', 'rows/s'),
};
