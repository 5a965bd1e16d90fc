import { chaos } from './chaos.ts';
import { diskFull } from './disk-full.ts';
import { failover } from './failover.ts';
import { isolation } from './isolation.ts';
import { load } from './load.ts';
import { overload } from './overload.ts';
import { pooledChaos } from './pooled-chaos.ts';
import type { Scenario } from './scenario.ts';
import { soak } from './soak.ts';
import { standby } from './standby.ts';
import { upgrade } from './upgrade.ts';

/** All scenarios, in the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  chaos,
  isolation,
  pooledChaos,
  diskFull,
  failover,
  standby,
  upgrade,
  overload,
  load,
  soak,
];
