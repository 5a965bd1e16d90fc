import type { World } from '../world/world.ts';

/** Something that breaks. */
export interface Fault {
  readonly name: string;
  /** Why this machine cannot have it; undefined when it can. */
  unavailable?(world: World): string | undefined;
  /** Breaks something and sets it right again. Recovery is measured from the end of this. */
  inject(world: World): Promise<void>;
}
