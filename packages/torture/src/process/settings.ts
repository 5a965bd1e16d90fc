/** The settings that a process of the torture is started with: JSON in the environment. */
export interface ProcessSettings {
  /** The role with a number, e.g. `worker-1`. A process that replaces a killed one gets its name. */
  readonly name: string;
  readonly index: number;
  /** The application login, through the proxy, and through a pooler if the run has one. */
  readonly url: string;
  /** The same without a pooler, for LISTEN. */
  readonly listenUrl: string;
  readonly adminUrl: string;
  readonly namedStatements: boolean;
  readonly history: string;
  readonly log: string;
  readonly seed: number;
  readonly orgs: readonly string[];
  readonly resources: number;
  readonly points: readonly string[];
  /** Pause of a service's loop between two operations, in milliseconds. */
  readonly paceMs: number;
  /** The fault that was built in on purpose; empty for none. */
  readonly broken: string;
}

export const SETTINGS_VARIABLE = 'INTENDANT_TORTURE';

export const readSettings = (): ProcessSettings =>
  JSON.parse(process.env[SETTINGS_VARIABLE] ?? '{}') as ProcessSettings;
