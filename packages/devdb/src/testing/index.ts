export { withClient } from '../dev-database.ts';
export { cannotHoldOnCitus, countActivity, isOnCitus, nodeUrls } from './citus-database.ts';
export {
  type CrashableServer,
  type CrashableServerOptions,
  crashableServer,
  synchronousStandby,
} from './crashable-server.ts';
export { type EventuallyOptions, eventually } from './eventually.ts';
export { type PgBouncer, startPgBouncer, whyNoPgBouncer } from './pgbouncer.ts';
export { atScale, isSoak } from './soak.ts';
export { type TcpProxy, type TcpProxyOptions, tcpProxy } from './tcp-proxy.ts';
export { type TestDatabase, type TestDatabaseOptions, testDatabase } from './test-database.ts';
export { newTestFolder, TEST_SETTINGS } from './test-server.ts';
