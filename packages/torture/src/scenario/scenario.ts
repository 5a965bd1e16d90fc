/** The arguments of a scenario. */
export interface ScenarioRun {
  readonly seed: number;
  /** How long to inject faults, in milliseconds, without the time to set up and to end the scenario. */
  readonly durationMs: number;
  /** A longer recovery from a fault is a violation, in milliseconds. */
  readonly recoveryLimitMs: number;
  /** Multiplies sizes. */
  readonly scale: number;
  /** A folder for this scenario. */
  readonly folder: string;
  /** The path of its history. */
  readonly history: string;
  /** The fault that was built in on purpose; empty for none. */
  readonly broken: string;
  /** The repository's folder of an earlier release; undefined if none was named. */
  readonly earlierRelease: string | undefined;
  readonly signal: AbortSignal;
  readonly onProgress: (text: string) => void;
}

/** One way to break a system. */
export interface Scenario {
  readonly name: string;
  /** What it does, in a sentence. */
  readonly about: string;
  /** Its share of the time, relative to other scenarios. */
  readonly weight: number;
  /** Why this machine cannot run it; undefined if it can. */
  unavailable?(run: Pick<ScenarioRun, 'earlierRelease'>): string | undefined;
  run(run: ScenarioRun): Promise<void>;
}
