import type { DataStoreInternals } from '@intendant/core/internal';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { ChangeReader, ReaderEvents } from './change-reader.ts';

export interface OpenReaderOptions {
  readonly internals: DataStoreInternals;
  /** Of a login with the REPLICATION attribute that owns the log. */
  readonly replicationConnection: pg.ClientConfig;
  readonly logger: Logger;
}

/**
 * Returns the reader of the server's changes, or of all nodes' changes. Its modules are loaded here and not before, because
 * most processes never need them.
 */
export async function openReader(
  { internals, replicationConnection: connection, logger }: OpenReaderOptions,
  events: ReaderEvents,
): Promise<ChangeReader> {
  const options = { connection, logger, ...events };
  if (internals.isDistributed) {
    const { NodeReaders } = await import('./nodes/node-readers.ts');
    return new NodeReaders(options);
  }
  const [{ WalReader }, { ownStream }] = await Promise.all([import('./wal-reader.ts'), import('./own-stream.ts')]);
  return new WalReader({ ...options, stream: ownStream(options) });
}
