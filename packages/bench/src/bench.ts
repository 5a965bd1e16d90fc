import type { Contestant, ContestantOptions, Workload } from './contestant/contestant.ts';
import { RemoteContestant } from './contestant/remote-contestant.ts';
import type { BenchDatabase } from './database/bench-database.ts';

/** How much work a run puts in. */
export interface Effort {
  readonly isQuick: boolean;
  /** Rounds that count. */
  readonly rounds: number;
  /** One contestant's turn in a round. */
  readonly turnMs: number;
}

export const QUICK: Effort = { isQuick: true, rounds: 3, turnMs: 150 };
export const FULL: Effort = { isQuick: false, rounds: 5, turnMs: 1_000 };

/** The table of the scoped scenarios: 100 tenants with 100 machines each. */
const SCOPED = { table: 'vm', tenants: 100, rowsATenant: 100 } as const;

/** What a scenario works with: the database, and each peer in a process of its own, started when first asked for. */
export class Bench implements AsyncDisposable {
  readonly effort: Effort;
  readonly database: BenchDatabase;
  readonly #profileFolder: string | undefined;
  readonly #contestants = new Map<string, Promise<Contestant>>();

  constructor(database: BenchDatabase, effort: Effort, profileFolder?: string) {
    this.database = database;
    this.effort = effort;
    this.#profileFolder = profileFolder;
  }

  contestant(peer: string, changes: Partial<ContestantOptions> = {}): Promise<Contestant> {
    const name = `${peer} ${JSON.stringify(changes)}`;
    const known = this.#contestants.get(name);
    if (known) return known;
    const opening = this.start(peer, changes).then(({ contestant }) => contestant);
    this.#contestants.set(name, opening);
    return opening;
  }

  /** One that nobody else uses; the caller closes it. Answers how long its first piece of work took, import included. */
  start(
    peer: string,
    changes: Partial<ContestantOptions> = {},
    firstWork?: Workload,
  ): Promise<{ contestant: RemoteContestant; openedInMs: number }> {
    const { url, adminUrl, tenantRole, tables } = this.database;
    const execArgv =
      peer === 'intendant' || peer.startsWith('intendant-') ? profilerArguments(this.#profileFolder) : [];
    return RemoteContestant.open(
      peer,
      { url, adminUrl, tenantRole, tables, ...changes },
      { execArgv, ...(firstWork && { firstWork }) },
    );
  }

  /** A turn's work on the scoped scenarios' table, 8 callers unless said otherwise. */
  workload(operation: string, changes: Partial<Workload> = {}): Workload {
    return { operation, clients: 8, durationMs: this.effort.turnMs, size: 1, ...SCOPED, ...changes };
  }

  /** The table of the scoped scenarios, made when first asked for. */
  scopedTable(): Promise<void> {
    return this.database.addTable(SCOPED.table, SCOPED.tenants, SCOPED.rowsATenant);
  }

  /** Ends the contestants' processes, and with them their connections. */
  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#contestants.values());
    this.#contestants.clear();
    await Promise.all(opened.map((result) => (result.status === 'fulfilled' ? result.value.close() : undefined)));
  }
}

function profilerArguments(folder: string | undefined): string[] {
  if (folder === undefined) return [];
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`, '--heap-prof', `--heap-prof-dir=${folder}`];
}
