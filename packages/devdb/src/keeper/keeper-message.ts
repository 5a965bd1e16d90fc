import type { DevDatabaseErrorCode } from '../dev-database-error.ts';

/** The request to a keeper: the first line of its input, as JSON. */
export interface KeeperRequest {
  /** Absolute path of the data folder, or null for a temporary one. */
  readonly dataDir: string | null;
  /** Whether the data is kept when the server stops. */
  readonly persistent: boolean;
  /** Whether a new cluster may be a copy of an earlier one: with the same system identifier, but a password of its own. */
  readonly mayCopy: boolean;
  /** The TCP port; null for a free one. */
  readonly port: number | null;
  readonly settings: Readonly<Record<string, string | number>>;
  /** Whether the keeper sends the lines of the server's log. */
  readonly wantsLog: boolean;
}

export interface RunningServer {
  readonly port: number;
  readonly password: string;
  readonly dataDir: string;
  readonly serverPid: number;
}

/** What the keeper sends: one JSON object for each line of its output. */
export type KeeperMessage =
  | ({ readonly type: 'ready' } & RunningServer)
  | { readonly type: 'failed'; readonly code: DevDatabaseErrorCode; readonly message: string }
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'died'; readonly message: string };
