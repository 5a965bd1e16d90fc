import { ConfigurationError } from '@intendant/core';
import {
  checkCount,
  checkDuration,
  checkOptions,
  type DataStoreInternals,
  guardLogger,
  internalsOf,
  readConnection,
} from '@intendant/core/internal';
import type pg from 'pg';
import type { Logger } from 'pino';
import type { SourceKind } from './log/source-kind.ts';
import { SUBSCRIPTIONS_OPTIONS } from './option-names.ts';
import type { SubscriptionsOptions } from './subscriptions.ts';
import { nameOfTable } from './table-name.ts';

const DAY_MS = 86_400_000;
/** A thousand years: the longest interval that the database can still subtract from a time. */
const FOR_EVER_MS = 365_000 * DAY_MS;
const MAX_PARTITION_SIZE = 1e12;
const SOURCES: readonly SourceKind[] = ['triggers', 'replication'];

/** The options of `createSubscriptions`, checked and with their defaults. */
export interface SubscriptionsSettings {
  readonly internals: DataStoreInternals;
  readonly connection: pg.ClientConfig;
  /** Writing a line to this logger never throws. */
  readonly logger: Logger;
  /** Names of tables. */
  readonly records: ReadonlySet<string>;
  readonly retentionMs: number;
  readonly partitionSize: number;
  readonly source: SourceKind;
  readonly replicationConnection: pg.ClientConfig;
  readonly mayLead: boolean;
}

/** Throws ConfigurationError that names the invalid option. */
export function readSettings(options: SubscriptionsOptions): SubscriptionsSettings {
  if (typeof options?.store !== 'object' || options.store === null)
    throw new ConfigurationError(
      'createSubscriptions: the option store is missing; pass the store that createDataStore returned',
    );
  checkOptions('createSubscriptions', options, SUBSCRIPTIONS_OPTIONS);
  const internals = internalsOf(options.store);
  const { connection, replicationConnection, logger = internals.logger, source = 'triggers' } = options;
  if (replicationConnection !== undefined && source === 'triggers')
    throw new ConfigurationError("createSubscriptions: replicationConnection is used only with source: 'replication'");
  return {
    internals,
    connection: connection === undefined ? internals.connection : readConnection('connection', connection),
    logger: guardLogger(logger),
    records: new Set((options.records ?? []).map((table) => nameOfTable('records', table))),
    retentionMs: Math.min(
      checkDuration('retentionMs', options.retentionMs ?? 7 * DAY_MS, { allowInfinity: true }),
      FOR_EVER_MS,
    ),
    partitionSize: checkCount('partitionSize', options.partitionSize ?? 1_000_000, { max: MAX_PARTITION_SIZE }),
    source: readSource(source, internals.isDistributed),
    replicationConnection:
      replicationConnection === undefined
        ? internals.adminConnection
        : readConnection('replicationConnection', replicationConnection),
    mayLead: options.relay !== false,
  };
}

/** A trigger on a shard cannot reach the log, which is on the coordinator. */
function readSource(source: SourceKind, isDistributed: boolean): SourceKind {
  if (!SOURCES.includes(source))
    throw new ConfigurationError(`createSubscriptions: source must be one of ${SOURCES.join(', ')}`);
  if (isDistributed && source === 'triggers')
    throw new ConfigurationError(
      "createSubscriptions: on Citus the feed comes from the write-ahead log of each node: give it source: 'replication'",
    );
  return source;
}
