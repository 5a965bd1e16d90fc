import type { Scenario } from '../scenario.ts';
import { bulkInsert } from './bulk-insert.ts';
import { distance } from './distance.ts';
import { feedBacklog } from './feed-backlog.ts';
import { feedFanout } from './feed-fanout.ts';
import { feedLatency } from './feed-latency.ts';
import { feedTax } from './feed-tax.ts';
import { flow } from './flow.ts';
import { hotResource } from './hot-resource.ts';
import { idle } from './idle.ts';
import { install } from './install.ts';
import { intents32 } from './intents-32.ts';
import { mark } from './mark.ts';
import { memory } from './memory.ts';
import { protostore } from './protostore.ts';
import { realize } from './realize.ts';
import { realizeLatency } from './realize-latency.ts';
import { scaleRows } from './scale-rows.ts';
import { scaleTenants } from './scale-tenants.ts';
import { scopedList } from './scoped-list.ts';
import { scopedRead } from './scoped-read.ts';
import { scopedWrite } from './scoped-write.ts';
import { startup } from './startup.ts';

/** In the order of execution and of the report. */
export const SCENARIOS: readonly Scenario[] = [
  scopedRead,
  scopedWrite,
  scopedList,
  bulkInsert,
  scaleRows,
  scaleTenants,
  protostore,
  realize,
  realizeLatency,
  hotResource,
  intents32,
  flow,
  mark,
  feedTax,
  feedLatency,
  feedBacklog,
  feedFanout,
  distance,
  memory,
  idle,
  startup,
  install,
];
