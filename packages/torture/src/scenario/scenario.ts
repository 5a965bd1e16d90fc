/** What a scenario is given. */
export interface ScenarioRun {
  readonly seed: number;
  /** How long to go on, in milliseconds; what begins and ends a scenario comes on top. */
  readonly durationMs: number;
  /** Recovery from a fault that takes longer is a violation. */
  readonly recoveryLimitMs: number;
  /** Multiplies sizes. */
  readonly scale: number;
  /** A folder of the scenario's own. */
  readonly folder: string;
  /** Where its history goes. */
  readonly history: string;
  /** The fault that the build has on purpose; empty for none. */
  readonly broken: string;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

/** One way to break a system. */
export interface Scenario {
  readonly name: string;
  /** What it does, in a sentence. */
  readonly about: string;
  /** Its part of the time, compared with others. */
  readonly weight: number;
  /** Why this machine cannot run it; undefined when it can. */
  unavailable?(): string | undefined;
  run(run: ScenarioRun): Promise<void>;
}
