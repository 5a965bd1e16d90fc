import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { wrongUse } from '../run/command-error.ts';
import type { Io } from '../run/io.ts';
import type { IntendantConfig } from './define-config.ts';

const FILE_NAMES = ['intendant.config.ts', 'intendant.config.mts', 'intendant.config.js', 'intendant.config.mjs'];

/** Loads the configuration named by `--config` or INTENDANT_CONFIG, or the one in the working folder; else returns an empty one. */
export async function loadConfig(io: Io, flag: string | undefined): Promise<IntendantConfig> {
  const path = findConfig(io, flag);
  if (path === undefined) return {};
  const loaded = (await import(pathToFileURL(path).href).catch((error: Error) => {
    throw wrongUse(`${path} cannot be loaded: ${error.message}`);
  })) as { default?: unknown };
  if (typeof loaded.default === 'object' && loaded.default !== null) return checked(path, loaded.default);
  throw wrongUse(`${path} has no default export; write: export default defineConfig({ tables: [...] })`);
}

function findConfig(io: Io, flag: string | undefined): string | undefined {
  const named = flag ?? io.environment['INTENDANT_CONFIG'];
  if (named === undefined || named === '') {
    return FILE_NAMES.map((name) => resolve(io.folder, name)).find((path) => existsSync(path));
  }
  const path = resolve(io.folder, named);
  if (existsSync(path)) return path;
  throw wrongUse(`there is no configuration file ${path}; check --config or INTENDANT_CONFIG`);
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set<keyof IntendantConfig>([
  'tables',
  'plainTables',
  'connection',
  'adminConnection',
  'context',
  'authorizer',
  'instancer',
  'roles',
  'schema',
  'rolePrefix',
  'distribution',
  'feed',
  'source',
  'records',
]);

function checked(path: string, config: object): IntendantConfig {
  const unknown = Object.keys(config).find((field) => !KNOWN_FIELDS.has(field));
  if (unknown !== undefined)
    throw wrongUse(`${path} has an unknown field ${unknown}; known are ${[...KNOWN_FIELDS].join(', ')}`);
  for (const field of ['tables', 'plainTables'] as const) {
    const tables = (config as IntendantConfig)[field];
    if (tables !== undefined && !(Array.isArray(tables) && tables.every((table) => typeof table?.name === 'string')))
      throw wrongUse(`${path}: ${field} must be a list of tables made with defineTable`);
  }
  return config as IntendantConfig;
}
