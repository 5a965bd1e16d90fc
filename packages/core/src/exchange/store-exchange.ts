import type pg from 'pg';
import type { Logger } from 'pino';
import type { ScopeSettings } from './scope-settings.ts';

/** How a store communicates with the database. */
export interface StoreExchange {
  /** The application login's pool. */
  readonly pool: pg.Pool;
  /** The options of a client of the application login. */
  readonly connection: pg.ClientConfig;
  readonly settings: ScopeSettings;
  /** False sends every statement unnamed, for a pooler that does not support prepared statements. */
  readonly usesNamedStatements: boolean;
  readonly logger: Logger;
}
