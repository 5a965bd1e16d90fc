import type { DataStoreInternals } from '@intendant/core/internal';
import type { Logger } from 'pino';
import type { SourceKind } from '../log/source-kind.ts';
import type { Horizon } from './horizon.ts';
import type { ReadHealth } from './read-health.ts';
import type { Tail } from './tail.ts';

/** What following the log requires; shared by all subscribers of a process. */
export interface Feed {
  readonly internals: DataStoreInternals;
  readonly horizon: Horizon;
  readonly tail: Tail;
  readonly health: ReadHealth;
  readonly logger: Logger;
  readonly source: SourceKind;
  /** Resolves when the log contains everything that was committed before; for a log that is filled from the write-ahead log. */
  readonly catchUp?: (() => Promise<void>) | undefined;
}
