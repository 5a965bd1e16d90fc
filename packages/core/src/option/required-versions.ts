import { ConfigurationError } from '../error/intendant-error.ts';

/** The same version as in `engines` of the packages. */
export const OLDEST_NODE = '22.12';
const OLDEST_POSTGRES = 15;
const OLDEST_CITUS = 13;

/** Throws ConfigurationError if this Node.js is too old for the packages. */
export function requireNode(version: string = process.versions.node): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number);
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new ConfigurationError(
    `Intendant needs Node.js ${OLDEST_NODE} or newer, and this process runs on ${version}: install a newer Node.js`,
  );
}

/** Throws ConfigurationError for a server that is too old. The number is `server_version_num`, e.g. 140023. */
export function requirePostgres(versionNumber: number): void {
  const major = Math.floor(versionNumber / 10_000);
  if (major >= OLDEST_POSTGRES) return;
  throw new ConfigurationError(
    `createDataStore: Intendant needs Postgres ${OLDEST_POSTGRES} or newer, and the server is Postgres ${major}: upgrade the server, or connect to a newer one`,
  );
}

/** Throws ConfigurationError for a Citus that is too old. The version is the extension's, e.g. `13.2-1`. */
export function requireCitus(version: string): void {
  if (Number.parseInt(version, 10) >= OLDEST_CITUS) return;
  throw new ConfigurationError(
    `createDataStore: Intendant needs Citus ${OLDEST_CITUS} or newer, and the database has Citus ${version}: install a newer one on every node, and run alter extension citus update`,
  );
}
