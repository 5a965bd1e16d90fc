import { type ConnectionSource, connectionFromEnvironment } from '@intendant/core';
import { wrongUse } from '../run/command-error.ts';
import type { Io } from '../run/io.ts';
import type { IntendantConfig } from './define-config.ts';
import { loadConfig } from './load-config.ts';

/** The flags that every command takes. */
export interface GlobalFlags {
  readonly config?: string;
  readonly url?: string;
  readonly adminUrl?: string;
  readonly schema?: string;
  readonly org?: string;
  readonly instance?: string;
  readonly json?: boolean;
}

/** The settings of a command. Flags override environment variables, which override the configuration file. */
export interface Settings extends Omit<IntendantConfig, 'connection' | 'adminConnection'> {
  readonly connection: ConnectionSource;
  readonly adminConnection: ConnectionSource;
  /** Limits the command to this org. */
  readonly org?: string;
  readonly instance?: string;
}

export async function readSettings(io: Io, flags: GlobalFlags): Promise<Settings> {
  const config = await loadConfig(io, flags.config);
  const connection = readConnectionSource(io, flags, config);
  return {
    ...config,
    connection,
    adminConnection:
      flags.adminUrl ?? nonEmpty(io.environment['ADMIN_DATABASE_URL']) ?? config.adminConnection ?? connection,
    ...(flags.schema !== undefined && { schema: flags.schema }),
    ...(flags.org !== undefined && { org: flags.org }),
    ...(flags.instance !== undefined && { instance: flags.instance }),
  };
}

function readConnectionSource({ environment }: Io, { url }: GlobalFlags, config: IntendantConfig): ConnectionSource {
  if (url !== undefined) return url;
  if (nonEmpty(environment['DATABASE_URL']) !== undefined || nonEmpty(environment['DB_HOST']) !== undefined)
    return connectionFromEnvironment(environment);
  if (config.connection !== undefined) return config.connection;
  throw wrongUse(
    'no database is named; give --url postgres://user:password@host:5432/name, set DATABASE_URL, or name a connection in intendant.config.ts',
  );
}

const nonEmpty = (value: string | undefined): string | undefined => (value?.trim() ? value : undefined);
