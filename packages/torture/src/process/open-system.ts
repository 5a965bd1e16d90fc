import { setTimeout as delay } from 'node:timers/promises';
import { createDataStore, type DataStore } from '@intendant/core';
import { createRealization, type Realization } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import pino, { type Logger } from 'pino';
import { type HistoryWriter, openHistory } from '../history/history-writer.ts';
import { ROLES, sign, vm } from '../world/tables.ts';
import { followOrders } from './orders.ts';
import { type ProcessSettings, readSettings } from './settings.ts';

/** The parts that every process of the torture has. */
export interface System {
  readonly settings: ProcessSettings;
  readonly history: HistoryWriter;
  readonly logger: Logger;
  readonly store: DataStore;
  readonly subscriptions: Subscriptions;
  readonly realization: Realization;
}

/** Options of the parts. */
export interface SystemOptions {
  /** Whether this process may lead the relay. Default false. */
  readonly relay?: boolean;
  /** Whether it runs maintenance. Default false. */
  readonly maintenance?: boolean;
}

const POOL = { max: 4, acquireTimeoutMs: 4_000, statementTimeoutMs: 8_000 };
const RETRY_MS = 200;

/**
 * Opens store, feed and realization. The server may be down when a process starts, so it retries until it succeeds;
 * then it reports to its parent.
 */
export async function openSystem(run: (system: System) => Promise<void>, options: SystemOptions = {}): Promise<void> {
  const settings = readSettings();
  const history = openHistory(settings.history);
  const logger = pino({ level: 'trace', name: settings.name }, pino.destination({ dest: settings.log, sync: true }));
  const orders = followOrders();
  for (;;) {
    try {
      const system = await open(settings, history, logger, options);
      orders.onStop(() => system.store.close());
      await run(system);
      break;
    } catch (error) {
      logger.warn({ err: error }, 'could not start; trying again');
      await delay(RETRY_MS);
    }
  }
  process.send?.('ready');
}

async function open(
  settings: ProcessSettings,
  history: HistoryWriter,
  logger: Logger,
  { relay = false, maintenance = false }: SystemOptions,
): Promise<System> {
  const { url, adminUrl, namedStatements } = settings;
  const store = await createDataStore({
    connection: url,
    adminConnection: adminUrl,
    logger,
    pool: { ...POOL, namedStatements },
  });
  try {
    const subscriptions = await createSubscriptions({
      store,
      relay,
      records: [vm, sign, 'enforcement_status_vm'],
      connection: settings.listenUrl,
    });
    const realization = await createRealization({
      store,
      subscriptions,
      ...(!maintenance && { maintenance: false }),
    });
    await realization.register([vm, sign], { roles: ROLES });
    return { settings, history, logger, store, subscriptions, realization };
  } catch (error) {
    await store.close().catch(() => {});
    throw error;
  }
}
