import type pg from 'pg';
import { ConfigurationError } from './error/intendant-error.ts';

/** Where the database is: a URL (`postgres://user:password@host:port/name`) or pg's own options. */
export type ConnectionSource = string | pg.ClientConfig;

/** A connection source as pg options. Throws ConfigurationError, which never shows the source. */
export function readConnection(option: string, source: unknown): pg.ClientConfig {
  if (typeof source === 'object' && source !== null && !Array.isArray(source)) return source as pg.ClientConfig;
  if (typeof source !== 'string' || source.trim() === '') {
    throw new ConfigurationError(
      `${option}: give a URL such as postgres://user:password@host:5432/name, or pg's connection options`,
    );
  }
  let url: URL;
  try {
    url = new URL(source);
  } catch {
    throw new ConfigurationError(`${option} is not a URL; it should look like postgres://user:password@host:5432/name`);
  }
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new ConfigurationError(`${option} must start with postgres:// or postgresql://, not ${url.protocol}//`);
  }
  return { connectionString: source };
}

type Environment = Readonly<Record<string, string | undefined>>;

const SSL_MODES = ['disable', 'allow', 'prefer', 'require', 'verify-ca', 'verify-full'];

/**
 * The admin connection from `DATABASE_URL`, or from DB_HOST, DB_PORT, DB_NAME, DB_ADMIN_USERNAME, DB_ADMIN_PASSWORD and
 * SSL_MODE. Throws ConfigurationError that names the first that is missing, blank or wrong.
 */
export function connectionFromEnvironment(environment: Environment = process.env): pg.ClientConfig {
  if (environment['DATABASE_URL'] !== undefined) return readConnection('DATABASE_URL', environment['DATABASE_URL']);
  const sslMode = required(environment, 'SSL_MODE');
  if (!SSL_MODES.includes(sslMode)) throw new ConfigurationError(`SSL_MODE must be one of ${SSL_MODES.join(', ')}`);
  return {
    host: required(environment, 'DB_HOST'),
    port: readPort(required(environment, 'DB_PORT')),
    database: required(environment, 'DB_NAME'),
    user: required(environment, 'DB_ADMIN_USERNAME'),
    password: required(environment, 'DB_ADMIN_PASSWORD'),
    ssl: sslOptions(sslMode),
  };
}

function required(environment: Environment, name: string): string {
  const value = environment[name];
  if (value === undefined)
    throw new ConfigurationError(`the environment variable ${name} is missing; set it, or DATABASE_URL`);
  if (value.trim() === '') throw new ConfigurationError(`the environment variable ${name} is blank`);
  return value;
}

function readPort(value: string): number {
  const port = Number(value);
  if (/^\d+$/.test(value.trim()) && port > 0 && port < 65_536) return port;
  throw new ConfigurationError('the environment variable DB_PORT is not a port number (1 to 65535)');
}

/** As libpq means the words: encrypted without checking the certificate up to `require`, checked from `verify-ca` on. */
function sslOptions(mode: string): NonNullable<pg.ClientConfig['ssl']> {
  if (mode === 'disable' || mode === 'allow' || mode === 'prefer') return false;
  return { rejectUnauthorized: mode.startsWith('verify') };
}
