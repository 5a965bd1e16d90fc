import { alternate, type Contest } from './alternate.ts';
import type { Contestant, ContestantOptions, Workload } from './contestant/contestant.ts';
import { RemoteContestant } from './contestant/remote-contestant.ts';
import type { BenchDatabase } from './database/bench-database.ts';
import { profilerArguments } from './profile/profiler-arguments.ts';
import type { Results } from './result.ts';

/** How long a run measures. */
export interface Effort {
  readonly isQuick: boolean;
  /** Number of rounds that count. */
  readonly rounds: number;
  /** The same for turns without a fixed duration, which often take more than a second. */
  readonly longRounds: number;
  /** Duration of one contestant's turn in a round. */
  readonly turnMs: number;
  /** A run that has taken this long measures only one round per contest, so that a quick run stays quick on a slow machine. */
  readonly lateAfterMs: number;
}

export const QUICK: Effort = { isQuick: true, rounds: 3, longRounds: 2, turnMs: 100, lateAfterMs: 20_000 };
/** Many short turns rather than few long ones: a disturbance of a second affects one round, not the median. */
export const FULL: Effort = {
  isQuick: false,
  rounds: 7,
  longRounds: 5,
  turnMs: 300,
  lateAfterMs: Number.POSITIVE_INFINITY,
};

/** The table of the scoped scenarios: 100 tenants with 100 machines each. */
const SCOPED = { table: 'vm', tenants: 100, rowsATenant: 100 } as const;

export interface BenchOptions {
  readonly effort: Effort;
  /** Whether the result of this name is requested. Default: all are. */
  readonly isWanted?: (resultName: string) => boolean;
  /** Whether Prisma and TypeORM could be installed. Default true. */
  readonly hasHeavyPeers?: boolean;
  readonly profileFolder?: string | undefined;
  /** Called with the name of what is measured next. */
  readonly onProgress?: (contestName: string) => void;
}

/** Options of a measurement. The number of rounds is that of the effort, unless the contest has its own. */
export type ContestPlan = Omit<Contest, 'rounds'> & { readonly rounds?: number };

/** What a scenario uses: the database, and each peer in a process of its own, which is started when it is first needed. */
export class Bench implements AsyncDisposable {
  readonly effort: Effort;
  readonly database: BenchDatabase;
  readonly hasHeavyPeers: boolean;
  readonly isWanted: (resultName: string) => boolean;
  readonly #options: BenchOptions;
  readonly #contestants = new Map<string, Promise<Contestant>>();
  readonly #begunAt = performance.now();

  constructor(database: BenchDatabase, options: BenchOptions) {
    this.database = database;
    this.effort = options.effort;
    this.hasHeavyPeers = options.hasHeavyPeers ?? true;
    this.isWanted = options.isWanted ?? (() => true);
    this.#options = options;
  }

  /** Compares ours with the available peers whose results are requested. */
  async compare(contest: ContestPlan): Promise<Results> {
    const peers = contest.peers.filter(
      ({ name, isHeavy }) => this.isWanted(`${contest.name}.${name}`) && (this.hasHeavyPeers || !isHeavy),
    );
    if (peers.length === 0) return {};
    this.#options.onProgress?.(contest.name);
    const rounds = contest.rounds ?? this.effort.rounds;
    if (!this.#isLate()) return alternate({ ...contest, peers, rounds });
    const note = [contest.note, 'One round, since the run was late.'].filter((text) => text !== undefined).join(' ');
    return alternate({ ...contest, peers, rounds: 1, note });
  }

  #isLate(): boolean {
    return performance.now() - this.#begunAt > this.effort.lateAfterMs;
  }

  contestant(peer: string, changes: Partial<ContestantOptions> = {}): Promise<Contestant> {
    const name = `${peer} ${JSON.stringify(changes)}`;
    const known = this.#contestants.get(name);
    if (known) return known;
    const opening = this.start(peer, changes).then(({ contestant }) => contestant);
    this.#contestants.set(name, opening);
    return opening;
  }

  /**
   * Starts a contestant that only this caller uses and must close. Returns how long its first operation took, including
   * the import.
   */
  start(
    peer: string,
    changes: Partial<ContestantOptions> = {},
    firstWork?: Workload,
  ): Promise<{ contestant: RemoteContestant; openedInMs: number }> {
    const { url, adminUrl, tenantRole, tables } = this.database;
    return RemoteContestant.open(
      peer,
      { url, adminUrl, tenantRole, tables, ...changes },
      { execArgv: profilerArguments(peer, this.#options.profileFolder), ...(firstWork && { firstWork }) },
    );
  }

  /** The task of a turn on the scoped scenarios' table, with 8 callers by default. */
  workload(operation: string, changes: Partial<Workload> = {}): Workload {
    return { operation, clients: 8, durationMs: this.effort.turnMs, size: 1, ...SCOPED, ...changes };
  }

  /** The table of the scoped scenarios, created when it is first needed. */
  scopedTable(): Promise<void> {
    return this.database.addTable(SCOPED.table, SCOPED.tenants, SCOPED.rowsATenant);
  }

  /** Ends the processes that work without being asked (they poll for jobs, for example) and would disturb the next scenario. */
  async endBackgroundContestants(): Promise<void> {
    await this.#close((peer) => !QUIET_PEERS.has(peer));
  }

  /** Ends the contestants' processes, which closes their connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#close(() => true);
  }

  async #close(isMeant: (peer: string) => boolean): Promise<void> {
    const meant = [...this.#contestants].filter(([name]) => isMeant(name.split(' ', 1)[0] as string));
    for (const [name] of meant) this.#contestants.delete(name);
    const opened = await Promise.allSettled(meant.map(([, opening]) => opening));
    await Promise.all(opened.map((result) => (result.status === 'fulfilled' ? result.value.close() : undefined)));
  }
}

/** Peers that do nothing unless they are asked. */
const QUIET_PEERS = new Set(['intendant', 'raw-pg', 'pattern-pg', 'pattern-flow', 'drizzle', 'kysely', 'prisma']);
