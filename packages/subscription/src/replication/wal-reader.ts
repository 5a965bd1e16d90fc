import { destroySocket } from '@intendant/core/internal';
import pg from 'pg';
import { LogicalReplicationService, type Pgoutput, PgoutputPlugin } from 'pg-logical-replication';
import type { Logger } from 'pino';
import type { ChangeStream, Commit, CommittedRow } from './change-stream.ts';
import { confirmable } from './confirmable.ts';
import { LogFiller } from './log-filler.ts';
import { type LogRow, rowsForMessage, rowsForTruncate, type Tuple } from './log-row.ts';
import { PUBLICATION, type ReplicatedTable, readReplicatedTables, TRUNCATE_PREFIX } from './replicated-table.ts';

/**
 * The second way to fill the log: from the write-ahead log, as the server decodes it, instead of by triggers. The
 * leader reads the stream and appends the committed changes, in the order of commits. Everything else (numbers,
 * cursors, row security, retention) is the same. Its position in the stream is committed together with the changes, so
 * none is appended twice or lost, whichever process is killed at any time.
 */
const WRITE_AT = 1_000;
/** The longest time between two confirmations to the server, in milliseconds. */
const STATUS_EVERY_MS = 5_000;

/** Settings that make the server print values in the standard formats, whatever the defaults of the login are. */
const TEXT_FORMATS = '-c datestyle=ISO,YMD -c timezone=UTC -c bytea_output=hex -c extra_float_digits=1';

const KEPT_ALIVE = { keepAlive: true, connectionTimeoutMillis: 5_000 };

export interface WalReaderOptions {
  /** Connection options of the login that owns the log. */
  readonly connection: pg.ClientConfig;
  readonly stream: ChangeStream;
  readonly logger: Logger;
  /** Called when changes were appended. */
  readonly onAppended: () => void;
  /** Called when it has ended, and appends nothing more. */
  readonly onFailure: (error: Error) => void;
}

/** Fills the log from start until stop or the first failure. */
export class WalReader {
  readonly #options: WalReaderOptions;
  readonly #client: pg.Client;
  readonly #stream: LogicalReplicationService;
  readonly #output = new TextOutput({ protoVersion: 1, publicationNames: [PUBLICATION], messages: true });
  #tables = new Map<string, ReplicatedTable>();
  #filler!: LogFiller;
  #rows: CommittedRow[] = [];
  /** Tables for which a warning was logged. */
  readonly #incomplete = new Set<string>();
  #taken = 0;
  /** The commit of the transaction that is being received; undefined between two transactions. */
  #commit: Commit | undefined;
  /** The position up to which whole transactions were read, and the one up to which the server was sent a confirmation. */
  #read = '';
  #confirmed = '';
  #isFlushing = false;
  /** The last statement on the filler's connection. */
  #last: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: WalReaderOptions) {
    this.#options = options;
    const filler = { application_name: 'intendant filler', query_timeout: 60_000 };
    this.#client = new pg.Client({ ...options.connection, ...KEPT_ALIVE, ...filler });
    this.#client.on('error', (error) => this.#fail(error));
    this.#stream = new LogicalReplicationService(
      { ...options.stream.connection, ...KEPT_ALIVE, application_name: 'intendant replication', options: TEXT_FORMATS },
      // The library's own confirmation covers what was received, not what was appended.
      { acknowledge: { auto: false, timeoutSeconds: 0 }, flowControl: { enabled: true } },
    );
  }

  /** Resolves when the stream has begun. */
  async start(): Promise<void> {
    await this.#client.connect();
    this.#tables = await readReplicatedTables(this.#client);
    const { stream } = this.#options;
    const { name, lsn } = await stream.openSlot(this.#client);
    if (this.#isOver) return;
    this.#filler = new LogFiller(this.#client, stream.storeIn(this.#client), lsn);
    this.#read = lsn;
    this.#confirmed = lsn;
    this.#stream.on('data', (_: string, message: Pgoutput.Message) => this.#take(message));
    this.#stream.on('heartbeat', (at: string) => this.#noteHeartbeat(at));
    this.#stream.on('error', (error: Error) => this.#fail(error));
    const begun = new Promise<void>((resolve) => this.#stream.once('start', () => resolve()));
    const streaming = this.#stream
      .subscribe(this.#output, name, lsn)
      .then(() => this.#fail(new Error('the stream ended')));
    streaming.catch((error: Error) => this.#fail(error));
    await Promise.race([begun, streaming]);
    this.#timer = setInterval(() => void this.#stream.acknowledge(confirmable(this.#confirmed)), STATUS_EVERY_MS);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#timer);
    await this.#last;
    this.#client.end().catch(() => {});
    void this.#stream.destroy().catch(() => {});
    setTimeout(() => destroySocket(this.#client), 1_000).unref();
  }

  #fail(error: Error): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#options.onFailure(error);
  }

  /** The returned promise is awaited before the next message is processed, and before more is read from the network. */
  async #take(message: Pgoutput.Message): Promise<void> {
    this.#taken++;
    if (this.#isOver) return;
    try {
      if (message.tag === 'begin') this.#noteBegin(message);
      else if (message.tag === 'commit') this.#noteCommit(message);
      else this.#add(await this.#rowsFor(message));
      if (this.#rows.length >= WRITE_AT) await this.#write();
    } catch (error) {
      this.#fail(error as Error);
    }
  }

  #add(rows: readonly LogRow[]): void {
    for (const row of rows) this.#rows.push({ ...row, ...(this.#commit as Commit) });
  }

  #noteBegin({ commitTime, commitLsn }: Pgoutput.MessageBegin): void {
    const occurredAt = new Date(Number(commitTime) / 1_000).toISOString();
    this.#commit = this.#options.stream.readCommit(occurredAt, commitLsn as string);
  }

  #noteCommit({ commitEndLsn }: Pgoutput.MessageCommit): void {
    this.#commit = undefined;
    this.#read = commitEndLsn as string;
    this.#flushSoon();
  }

  async #rowsFor(message: Pgoutput.Message): Promise<LogRow[]> {
    if (message.tag === 'message') return this.#rowsForTruncate(message);
    if (message.tag !== 'insert' && message.tag !== 'update' && message.tag !== 'delete') return [];
    const table = await this.#table(`${message.relation.schema}.${message.relation.name}`);
    if (table && message.tag !== 'insert' && !message.old) this.#noteIncomplete(table);
    return table ? rowsForMessage(table, message) : [];
  }

  /** The replica identity of the table was reset: old values, and large values that an update did not change, are not sent. */
  #noteIncomplete({ tableName }: ReplicatedTable): void {
    if (this.#incomplete.has(tableName)) return;
    this.#incomplete.add(tableName);
    this.#options.logger.warn(
      { table: tableName },
      'the replica identity of a table is not FULL, so its changes may lack values; store.register sets it again',
    );
  }

  async #rowsForTruncate({ prefix, content, transactional }: Pgoutput.MessageMessage): Promise<LogRow[]> {
    if (prefix !== TRUNCATE_PREFIX || !transactional) return [];
    const truncated = JSON.parse(Buffer.from(content).toString('utf8')) as { table: string; rows: Tuple[] };
    const table = await this.#table(truncated.table);
    return table ? rowsForTruncate(table, truncated.rows) : [];
  }

  async #table(name: string): Promise<ReplicatedTable | undefined> {
    if (!this.#tables.has(name))
      await this.#exclusively(async () => {
        this.#tables = await readReplicatedTables(this.#client);
      });
    return this.#tables.get(name);
  }

  /** Appends a part of a transaction that is still being received, and what came before it. */
  #write(): Promise<void> {
    const rows = this.#rows;
    this.#rows = [];
    return this.#exclusively(() => this.#filler.append(rows));
  }

  /** Appends after all received messages were processed: many small transactions become one of ours. */
  #flushSoon(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    setImmediate(() => void this.#flush());
  }

  /** Does nothing in the middle of a transaction. The end of the transaction flushes again. */
  async #flush(): Promise<void> {
    const lsn = this.#read;
    if (this.#commit === undefined && !this.#isOver) {
      const rows = this.#rows;
      this.#rows = [];
      await this.#exclusively(() => this.#filler.commit(rows, lsn)).catch((error: Error) => this.#fail(error));
      if (this.#isOver) return;
      this.#confirmed = lsn;
      this.#options.onAppended();
      this.#options.stream.reached?.(lsn);
    }
    this.#isFlushing = false;
    if (this.#read !== this.#confirmed && this.#commit === undefined) this.#flushSoon();
  }

  /** Runs one statement after the other. */
  #exclusively(act: () => Promise<void>): Promise<void> {
    const done = this.#last.then(act);
    this.#last = done.catch(() => {});
    return done;
  }

  /**
   * If nothing is left to append, the server need not keep what other tables and databases write. After a failure
   * nothing is confirmed any more: what is still received is dropped, and must be sent again.
   */
  #noteHeartbeat(at: string): void {
    if (this.#isOver) return;
    const hasTakenAll = this.#output.parsed === this.#taken && this.#rows.length === 0;
    const isIdle = hasTakenAll && !this.#isFlushing && this.#commit === undefined;
    void this.#stream.acknowledge(confirmable(isIdle ? at : this.#confirmed));
    if (isIdle) this.#options.stream.reached?.(at);
  }
}

/** Returns values in the format in which Postgres sends them. */
class TextOutput extends PgoutputPlugin {
  /** Received messages that wait to be processed. */
  parsed = 0;

  override parse(buffer: Buffer): Pgoutput.Message {
    this.parsed++;
    const message = super.parse(buffer);
    if (message.tag === 'relation') for (const column of message.columns) column.parser = String;
    return message;
  }
}
