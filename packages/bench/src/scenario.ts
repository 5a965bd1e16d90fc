import type { Bench } from './bench.ts';
import type { Results } from './result.ts';

/** One question that figures answer. */
export interface Scenario {
  readonly name: string;
  /** What it measures, in a sentence. */
  readonly question: string;
  /** Whether it compares with Prisma or TypeORM, which are then installed. */
  readonly needsHeavyPeers?: boolean;
  run(bench: Bench): Promise<Results>;
}
