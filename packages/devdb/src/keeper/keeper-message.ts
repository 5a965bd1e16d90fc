import type { DevDatabaseErrorCode } from '../dev-database-error.ts';

/** What a process asks of the keeper it starts: the first line on the keeper's input. */
export interface KeeperRequest {
  /** Absolute path of a folder to keep, or null for a temporary one. */
  readonly dataDir: string | null;
  readonly persistent: boolean;
  /** null for a free one. */
  readonly port: number | null;
  readonly settings: Readonly<Record<string, string | number>>;
  /** Whether the lines that Postgres logs are wanted. */
  readonly wantsLog: boolean;
}

export interface RunningServer {
  readonly port: number;
  readonly password: string;
  readonly dataDir: string;
  readonly serverPid: number;
}

/** What the keeper answers: one JSON object a line on its output. */
export type KeeperMessage =
  | ({ readonly type: 'ready' } & RunningServer)
  | { readonly type: 'failed'; readonly code: DevDatabaseErrorCode; readonly message: string }
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'died'; readonly message: string };
