import type { World } from '../world/world.ts';

/** A fault that can be injected. */
export interface Fault {
  readonly name: string;
  /** Why this machine cannot inject it; undefined if it can. */
  unavailable?(world: World): string | undefined;
  /** Injects the fault and removes it again. Recovery is measured from the end of this call. */
  inject(world: World): Promise<void>;
}
