import type { Scenario } from '../scenario.ts';
import { scale } from './scale.ts';

/** 100,000 rows in all, whatever the number of tenants. */
const few = { label: '10', tenants: 10, rowsATenant: 10_000 };
const many = { label: '1000', tenants: 1_000, rowsATenant: 100 };
const most = { label: '10000', tenants: 10_000, rowsATenant: 10 };

export const scaleTenants: Scenario = {
  name: 'scale-tenants',
  question: 'Does a scoped read or write cost more with ten thousand tenants than with ten?',
  run: (bench) => scale(bench, 'scale-tenants', bench.effort.isQuick ? [few, most] : [few, many, most]),
};
