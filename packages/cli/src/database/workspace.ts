import {
  type AnyTable,
  type Authorizer,
  citus,
  createDataStore,
  type DataStore,
  type Distribution,
  FixedAuthorizer,
  MetadataAuthorizer,
  type MetadataContext,
  SimpleInstancer,
} from '@intendant/core';
import { connectClient, readConnection, translateError } from '@intendant/core/internal';
import { createRealization, type Realization, type RealizationSession } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import pg from 'pg';
import type { Settings } from '../config/settings.ts';
import { type Discovery, discover } from './discover.ts';

const CONNECT_TIMEOUT_MS = 10_000;

/**
 * The parts of the framework that a command uses. Each is opened at its first use, and all are closed together. Nothing
 * here changes the schema.
 */
export class Workspace implements AsyncDisposable {
  readonly settings: Settings;
  #admin: Promise<pg.Client> | undefined;
  #discovery: Promise<Discovery> | undefined;
  #store: Promise<DataStore> | undefined;
  #subscriptions: Promise<Subscriptions> | undefined;
  #realization: Promise<Realization> | undefined;
  readonly #opened: AsyncDisposable[] = [];

  constructor(settings: Settings) {
    this.settings = settings;
  }

  get schemaName(): string {
    return this.settings.schema ?? 'public';
  }

  /** Runs a statement as the administrator. */
  async query<Row extends pg.QueryResultRow>(sql: string, values: readonly unknown[] = []): Promise<Row[]> {
    const client = await this.admin();
    try {
      return (await client.query<Row>(sql, [...values])).rows;
    } catch (error) {
      throw translateError(error, { operation: 'intendant' });
    }
  }

  admin(): Promise<pg.Client> {
    this.#admin ??= this.#connect();
    return this.#admin;
  }

  discovery(): Promise<Discovery> {
    this.#discovery ??= this.admin().then((client) => discover(client, this.schemaName));
    return this.#discovery;
  }

  /** The tables whose resources are realized: those of the configuration, else those in the database. */
  async realizedTables(): Promise<readonly AnyTable[]> {
    return this.settings.tables ?? (await this.discovery()).realized;
  }

  /** All tables of the store. */
  async tables(): Promise<readonly AnyTable[]> {
    return [...(await this.realizedTables()), ...(await this.#plainTables())];
  }

  async #plainTables(): Promise<readonly AnyTable[]> {
    if (this.settings.plainTables !== undefined) return this.settings.plainTables;
    return this.settings.tables === undefined ? (await this.discovery()).plain : [];
  }

  /** A store on which all tables are registered. */
  store(): Promise<DataStore> {
    this.#store ??= this.#openStore();
    return this.#store;
  }

  /** The feed. This process may become the one that announces changes, because no other process may be running. */
  subscriptions(): Promise<Subscriptions> {
    this.#subscriptions ??= this.#openSubscriptions();
    return this.#subscriptions;
  }

  realization(): Promise<Realization> {
    this.#realization ??= this.#openRealization();
    return this.#realization;
  }

  /** The realization session of the configured context, of `--org`, or else of the whole service. */
  async session(): Promise<RealizationSession> {
    return (await this.realization()).as(this.context);
  }

  /** The context that the command acts with. */
  get context(): MetadataContext {
    const { org, instance, context } = this.settings;
    if (org === undefined && context !== undefined) return context;
    return {
      ...(org !== undefined && { orgId: org }),
      ...(instance !== undefined && { instanceId: instance }),
      roles: [],
    };
  }

  async #openStore(): Promise<DataStore> {
    const { connection, adminConnection, instancer } = this.settings;
    const rolePrefix = this.settings.rolePrefix ?? (await this.discovery()).rolePrefix;
    const distribution = await this.distribution();
    const store = await createDataStore({
      connection: withTimeout(connection),
      adminConnection: withTimeout(adminConnection),
      authorizer: this.#authorizer(),
      ...((this.#needsInstancer || distribution) && { instancer: instancer ?? new SimpleInstancer() }),
      distribution,
      schema: this.schemaName,
      schemaChanges: 'none',
      ...(rolePrefix !== undefined && { rolePrefix }),
    });
    this.#opened.push(store);
    await store.register(await this.#plainTables(), this.#registration);
    return store;
  }

  /** How the tables are distributed: by the configuration, or as they are in the database. */
  async distribution(): Promise<Distribution | undefined> {
    return this.settings.distribution ?? ((await this.discovery()).isDistributed ? citus() : undefined);
  }

  /** The settings for the schema's statements. */
  async schemaSettings(): Promise<Settings> {
    const distribution = await this.distribution();
    return { ...this.settings, ...(distribution && { distribution }) };
  }

  get #needsInstancer(): boolean {
    return this.settings.instancer !== undefined || this.settings.instance !== undefined;
  }

  get #registration() {
    return this.settings.roles === undefined ? {} : { roles: this.settings.roles };
  }

  #authorizer(): Authorizer<MetadataContext> {
    const { org, instance, context, authorizer } = this.settings;
    if (org !== undefined)
      return new FixedAuthorizer({
        orgId: org,
        dbRole: instance === undefined ? 'tenant_writer' : 'tenant_instance_writer',
      });
    if (context !== undefined) return authorizer ?? new MetadataAuthorizer();
    return new FixedAuthorizer({ dbRole: instance === undefined ? 'writer' : 'instance_writer' });
  }

  async #openSubscriptions(): Promise<Subscriptions> {
    const store = await this.store();
    const { records } = this.settings;
    const source = this.settings.source ?? ((await this.distribution()) ? 'replication' : undefined);
    const subscriptions = await createSubscriptions({
      store,
      ...(source !== undefined && { source }),
      ...(records !== undefined && { records }),
    });
    this.#opened.push(subscriptions);
    return subscriptions;
  }

  async #openRealization(): Promise<Realization> {
    const store = await this.store();
    const subscriptions = await this.#subscriptions;
    const realization = await createRealization({ store, subscriptions, maintenance: false });
    this.#opened.push(realization);
    await realization.register(await this.realizedTables(), this.#registration);
    return realization;
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client(withTimeout(this.settings.adminConnection));
    client.on('error', () => {}); // The statement under way rejects with it.
    try {
      await connectClient(client);
    } catch (error) {
      throw translateError(error, { operation: 'intendant' });
    }
    this.#opened.push({ [Symbol.asyncDispose]: () => client.end() });
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const part of this.#opened.splice(0).toReversed()) await part[Symbol.asyncDispose]();
  }
}

const withTimeout = (source: Settings['connection']): pg.ClientConfig => ({
  application_name: 'intendant',
  connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  ...readConnection('the connection to the database', source),
});
