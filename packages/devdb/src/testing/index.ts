export { eventually, type EventuallyOptions } from './eventually.ts';
export { type TcpProxy, tcpProxy, type TcpProxyOptions } from './tcp-proxy.ts';
export { type TestDatabase, testDatabase } from './test-database.ts';
