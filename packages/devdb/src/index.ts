export { type DevDatabase, type DevDatabaseLogger, type DevDatabaseOptions, startDevDatabase } from './dev-database.ts';
export { DevDatabaseError, type DevDatabaseErrorCode } from './dev-database-error.ts';
