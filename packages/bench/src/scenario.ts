import type { Bench } from './bench.ts';
import type { Results } from './result.ts';

/** One question, answered with figures. */
export interface Scenario {
  readonly name: string;
  /** What it finds out, in a sentence. */
  readonly question: string;
  /** True when it compares with Prisma or TypeORM, which are installed for it. */
  readonly needsHeavyPeers?: boolean;
  run(bench: Bench): Promise<Results>;
}
