import { fileURLToPath } from 'node:url';
import { QuickstartError } from './quickstart-error.ts';

type Environment = Readonly<Record<string, string | undefined>>;

export interface DemoSettings {
  /** The folder that the workers' folders are in. Default: `.intendant/quickstart` in the repository. */
  readonly folderPath: string;
  /** How long a worker takes to realize, in milliseconds. Default 100. */
  readonly realizeMs: number;
}

export interface WorkerSettings {
  readonly databaseUrl: string;
  readonly enforcementPoint: string;
  /** The folder for what is realized at this worker's point. */
  readonly folderPath: string;
  readonly realizeMs: number;
}

const DEFAULT_FOLDER = fileURLToPath(new URL('../../../.intendant/quickstart', import.meta.url));

export function readDemoSettings(environment: Environment): DemoSettings {
  return {
    folderPath: environment['QUICKSTART_FOLDER'] || DEFAULT_FOLDER,
    realizeMs: readRealizeMs(environment),
  };
}

export function readWorkerSettings(environment: Environment): WorkerSettings {
  return {
    databaseUrl: readDatabaseUrl(environment),
    enforcementPoint: required(environment, 'ENFORCEMENT_POINT'),
    folderPath: required(environment, 'ENFORCED_FOLDER'),
    realizeMs: readRealizeMs(environment),
  };
}

export interface SubscriberSettings {
  readonly databaseUrl: string;
  /** The position from which it reads. Default: from now on. */
  readonly from: string;
}

export const readSubscriberSettings = (environment: Environment): SubscriberSettings => ({
  databaseUrl: readDatabaseUrl(environment),
  from: environment['SUBSCRIBE_FROM'] || 'now',
});

const readDatabaseUrl = (environment: Environment): string => required(environment, 'DATABASE_URL');

function required(environment: Environment, name: string): string {
  const value = environment[name];
  if (value?.trim()) return value;
  throw new QuickstartError(`Set the environment variable ${name}: it is missing or blank.`);
}

function readRealizeMs(environment: Environment): number {
  const value = environment['QUICKSTART_REALIZE_MS']?.trim() || '100';
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw new QuickstartError(
    `QUICKSTART_REALIZE_MS must be a whole number of milliseconds, not ${JSON.stringify(value)}.`,
  );
}
