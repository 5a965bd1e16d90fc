import type { Scenario } from '../scenario.ts';
import { scale } from './scale.ts';

const TENANTS = 100;
const small = { label: '10k', tenants: TENANTS, rowsATenant: 100 };
const middle = { label: '100k', tenants: TENANTS, rowsATenant: 1_000 };
const large = { label: '1m', tenants: TENANTS, rowsATenant: 10_000 };

export const scaleRows: Scenario = {
  name: 'scale-rows',
  question: 'Does a scoped read or write cost more in a table of a million rows than in one of ten thousand?',
  run: (bench) => scale(bench, 'scale-rows', bench.effort.isQuick ? [small, middle] : [small, middle, large]),
};
