import type { Scenario } from '../scenario.ts';
import { bulkInsert } from './bulk-insert.ts';
import { distance } from './distance.ts';
import { feedLatency } from './feed-latency.ts';
import { feedTax } from './feed-tax.ts';
import { install } from './install.ts';
import { intents32 } from './intents-32.ts';
import { memory } from './memory.ts';
import { realize } from './realize.ts';
import { scaleRows } from './scale-rows.ts';
import { scaleTenants } from './scale-tenants.ts';
import { scopedList } from './scoped-list.ts';
import { scopedRead } from './scoped-read.ts';
import { scopedWrite } from './scoped-write.ts';
import { startup } from './startup.ts';

/** In the order they run and are reported. */
export const SCENARIOS: readonly Scenario[] = [
  scopedRead,
  scopedWrite,
  scopedList,
  bulkInsert,
  scaleRows,
  scaleTenants,
  realize,
  intents32,
  memory,
  feedTax,
  feedLatency,
  distance,
  startup,
  install,
];
