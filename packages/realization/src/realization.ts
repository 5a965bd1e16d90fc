import {
  type AnyTable,
  ConfigurationError,
  type DataStore,
  type MetadataContext,
  OperationNotAllowedError,
  TableNotRegisteredError,
  type Transaction,
} from '@intendant/core';
import {
  checkOptions,
  type DataStoreInternals,
  guardLogger,
  internalsOf,
  type OptionNames,
  readConnection,
  type SessionInternals,
  sessionInternalsOf,
} from '@intendant/core/internal';
import { internalsOf as subscriptionInternalsOf } from '@intendant/subscription/internal';
import type pg from 'pg';
import type { Logger } from 'pino';
import { type ChangeFeed, openChangeFeed } from './background/change-feed.ts';
import { type DriftReport, readDrift } from './drift/drift-report.ts';
import { checkTableList, readSummary, type TableSummary } from './history/summary.ts';
import { JobListener } from './job/job-listener.ts';
import { JobQueue } from './job/job-queue.ts';
import { Maintenance } from './maintenance/maintenance.ts';
import { type MaintenanceParts, maintenanceJobs } from './maintenance/maintenance-jobs.ts';
import { configureMaintenance } from './maintenance/maintenance-options.ts';
import { ROLLOUTS } from './maintenance/rollout-job.ts';
import { SUBMITTED } from './maintenance/submitted-operations-job.ts';
import { type PointOverview, readPointOverview } from './operator/point-overview.ts';
import type { PlacementRule } from './placement/placement-rule.ts';
import { pointTableName } from './placement/selector.ts';
import type { Presence } from './point/announcement.ts';
import { configurePoints, EnforcementPoints } from './point/enforcement-points.ts';
import type { Realization, RealizationOptions, RealizationRegisterOptions } from './realization-api.ts';
import { realizationPart } from './realization-part.ts';
import { registeredTables } from './registered-tables.ts';
import { refuseDirectChange } from './resource/refuse-direct-change.ts';
import { SERVICE_SCOPE } from './resource/service-scope.ts';
import { defineStatusTables, type StatusTables } from './resource/status-tables.ts';
import { RealizationSession } from './session/realization-session.ts';
import type { RealizationParts } from './session/session-parts.ts';
import { waitForStatus } from './status/wait-for.ts';
import { operationTable } from './submit/operation-table.ts';
import { Worker } from './worker/worker.ts';
import { configureWorker, type WorkerConfiguration, type WorkerOptions } from './worker/worker-options.ts';

const REGISTER_OPTIONS: OptionNames<RealizationRegisterOptions<AnyTable>> = { roles: true, placement: true };

/** Throws ConfigurationError for missing options. Does not access the database yet. */
export async function createRealization<C = MetadataContext>(options: RealizationOptions<C>): Promise<Realization<C>> {
  if (typeof options?.store !== 'object' || options.store === null)
    throw new ConfigurationError(
      'createRealization: the option store is missing; pass the store that createDataStore returned',
    );
  checkOptions<RealizationOptions<C>>('createRealization', options, {
    store: true,
    subscriptions: true,
    maintenance: true,
    caretaker: true,
    points: true,
    connection: true,
    logger: true,
  });
  const { caretaker, ...known } = options;
  const current = caretaker === undefined ? known : { maintenance: caretaker, ...known };
  return new PostgresRealization(current as RealizationOptions<unknown>) as unknown as Realization<C>;
}

class PostgresRealization implements Realization<unknown> {
  readonly #store: DataStore;
  readonly #internals: DataStoreInternals;
  readonly #logger: Logger;
  readonly #jobQueue: JobQueue;
  readonly #jobListener: JobListener;
  readonly #feed: ChangeFeed;
  readonly #tables = new Map<string, StatusTables>();
  readonly #workers = new Set<Worker>();
  readonly #placements = new Map<string, PlacementRule<AnyTable>>();
  readonly #startsMaintenance: boolean;
  readonly points: EnforcementPoints;
  readonly maintenance: Maintenance;
  #closing: Promise<void> | undefined;
  /** Called after the workers have stopped, because their handlers may use sessions until then. */
  #isClosed = false;

  constructor(options: RealizationOptions<unknown>) {
    this.#store = options.store as unknown as DataStore;
    this.#internals = internalsOf(this.#store);
    this.#logger = guardLogger(options.logger ?? this.#internals.logger);
    this.#jobQueue = new JobQueue(this.#internals);
    this.#jobListener = new JobListener(listeningConnection(options, this.#internals), this.#logger);
    this.#feed = openChangeFeed(options.subscriptions);
    this.#startsMaintenance = options.maintenance !== false;
    this.maintenance = this.#makeMaintenance(options);
    this.points = new EnforcementPoints({
      store: this.#internals,
      logger: this.#logger,
      options: configurePoints(options.points),
      statusTables: () => [...this.#tables.values()],
      tableNames: (tables) => this.#namesOf(tables),
      onRollout: () => this.#wakeMaintenance(ROLLOUTS),
      checkOpen: () => this.#checkOpen(),
    });
    this.#internals.onClose(() => this.close());
  }

  async register(tables: readonly AnyTable[], options: RealizationRegisterOptions<AnyTable> = {}): Promise<void> {
    checkOptions('register', options, REGISTER_OPTIONS);
    this.#checkOpen();
    const { placement, ...storeOptions } = options;
    const definitions = tables.map((resource) => ({ resource, ...defineStatusTables(resource) }));
    this.#internals.addSchemaPart(realizationPart(this.#internals));
    await this.#store.register(registeredTables(tables), storeOptions);
    for (const { resource, overall, enforcement } of definitions) {
      this.#internals.refuseChanges(resource, refuseDirectChange(resource));
      this.#tables.set(resource.name, {
        resource: this.#internals.table(resource),
        overall: this.#internals.table(overall),
        enforcement: this.#internals.table(enforcement),
      });
      if (placement !== undefined) this.#placements.set(resource.name, placement);
    }
  }

  as(context: unknown): RealizationSession {
    const core = sessionInternalsOf(this.#store.as(context as MetadataContext));
    return new RealizationSession(this.#parts(core, (run) => run()));
  }

  in(transaction: Transaction): RealizationSession {
    const core = sessionInternalsOf(transaction);
    return new RealizationSession(this.#parts(core, (run) => transaction.afterCommit(run)));
  }

  async summary(tables?: readonly AnyTable[]): Promise<TableSummary[]> {
    checkTableList(tables);
    const known = tables?.map((table) => this.#statusTables(table)) ?? [...this.#tables.values()];
    return readSummary(this.#internals.executor, SERVICE_SCOPE, known);
  }

  pointOverview(): Promise<PointOverview[]> {
    return readPointOverview(this.#internals.executor, this.#jobQueue, SERVICE_SCOPE, [...this.#tables.values()]);
  }

  drift(): Promise<DriftReport[]> {
    return readDrift(this.#internals);
  }

  worker(options: WorkerOptions): Worker {
    this.#checkOpen();
    const worker = new Worker(
      {
        store: this.#internals,
        jobQueue: this.#jobQueue,
        jobListener: this.#jobListener,
        logger: this.#logger,
        statusTables: ({ table }) => this.#statusTables(table),
        feed: this.#feed,
        enter: (configuration) => this.#enter(configuration),
      },
      configureWorker(options),
    );
    this.#workers.add(worker);
    return worker;
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #close(): Promise<void> {
    await Promise.all([...this.#workers].map((worker) => worker.stop()));
    await this.points.close();
    await this.maintenance.stop();
    this.#isClosed = true;
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw realizationClosed();
  }

  #makeMaintenance({ maintenance, subscriptions }: RealizationOptions<unknown>): Maintenance {
    const parts: MaintenanceParts = {
      store: this.#internals,
      logger: this.#logger,
      configuration: configureMaintenance(typeof maintenance === 'object' ? maintenance : {}),
      tables: () => [...this.#tables.values()],
      operations: () => this.#internals.tables().find(({ name }) => name === operationTable.name),
      watchOperations: subscriptions && ((wake) => this.#feed.watch([operationTable.name], wake)),
    };
    return new Maintenance(maintenanceJobs(parts), this.#logger, () => this.#checkOpen());
  }

  /** Called when a worker starts: records that its point is served, and starts maintenance. */
  async #enter(configuration: WorkerConfiguration): Promise<() => Promise<void>> {
    this.#checkOpen();
    this.#wakeMaintenance();
    const presence = await this.#announce(configuration);
    return () => presence.stop();
  }

  async #announce({ enforcementPoint: id, labels, handlers, allowUnrealize }: WorkerConfiguration): Promise<Presence> {
    const tables = handlers.map(({ table }) => table);
    if (labels === undefined) return this.points.serve(id, tables);
    try {
      return await this.points.announce({ id, labels, tables, allowUnrealize });
    } catch (error) {
      if (!(error instanceof OperationNotAllowedError)) throw error;
      this.#logger.warn({ enforcementPoint: id }, 'the point was removed; its worker unrealizes what is left there');
      return this.points.serve(id, tables);
    }
  }

  #wakeMaintenance(job?: string): void {
    if (this.#startsMaintenance && this.#closing === undefined && !this.maintenance.isStarted) this.maintenance.start();
    if (job !== undefined) this.maintenance.ring(job);
  }

  #namesOf(tables: readonly AnyTable[] | undefined): string[] {
    const known = tables?.map((table) => this.#statusTables(table)) ?? [...this.#tables.values()];
    return known.map(pointTableName);
  }

  #parts(core: SessionInternals, onceCommitted: (run: () => void) => void): RealizationParts {
    return {
      core,
      statusTables: (definition) => this.#statusTables(definition),
      registeredTables: () => [...this.#tables.values()],
      outsideTransactions: this.#internals.executor,
      jobQueue: this.#jobQueue,
      submitting: {
        operations: () => this.#internals.table(operationTable),
        onSubmitted: () => onceCommitted(() => this.#wakeMaintenance(SUBMITTED)),
        watch: (id, wake) =>
          this.#feed.watch([operationTable.name], (change) => {
            if (change === undefined || change.key['id'] === id) wake();
          }),
      },
      placementRule: ({ name }) => this.#placements.get(name),
      waitFor: (scope, tables, key, options) => waitForStatus(core.executor, scope, tables, key, options, this.#feed),
    };
  }

  #statusTables(definition: AnyTable): StatusTables {
    if (this.#isClosed) throw realizationClosed();
    const tables = this.#tables.get(definition?.name);
    if (tables) return tables;
    throw new TableNotRegisteredError(
      `table ${JSON.stringify(definition?.name)} is not registered with this realization; call realization.register first`,
      {
        details: { table: definition?.name },
      },
    );
  }
}

function listeningConnection(
  { connection, subscriptions }: RealizationOptions<unknown>,
  store: DataStoreInternals,
): pg.ClientConfig {
  if (connection !== undefined) return readConnection('connection', connection);
  return subscriptions === undefined ? store.connection : subscriptionInternalsOf(subscriptions).connection;
}

const realizationClosed = (): ConfigurationError =>
  new ConfigurationError('this realization is closed; create another with createRealization');
