import type { DataStoreInternals } from '@intendant/core/internal';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { ChangeReader, ReaderEvents } from './change-reader.ts';
import { NodeReaders } from './nodes/node-readers.ts';
import { ownStream } from './own-stream.ts';
import { WalReader } from './wal-reader.ts';

export interface OpenReaderOptions {
  readonly internals: DataStoreInternals;
  /** Of a login with the REPLICATION attribute that owns the log. */
  readonly replicationConnection: pg.ClientConfig;
  readonly logger: Logger;
}

/** Returns the reader of the server's changes, or of all nodes' changes. */
export function openReader(
  { internals, replicationConnection: connection, logger }: OpenReaderOptions,
  events: ReaderEvents,
): ChangeReader {
  const options = { connection, logger, ...events };
  return internals.isDistributed ? new NodeReaders(options) : new WalReader({ ...options, stream: ownStream(options) });
}
