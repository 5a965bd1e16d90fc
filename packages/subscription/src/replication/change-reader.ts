/** What a reader reports. */
export interface ReaderEvents {
  /** Called repeatedly while a slot cannot be created, with a description of the transactions that it waits for. */
  readonly onWaiting: (blockers: string) => void;
  /** Called when changes were appended. */
  readonly onAppended: () => void;
  /** Called when it has ended, and appends nothing more. */
  readonly onFailure: (error: Error) => void;
}

/** Fills the log from the write-ahead log, from start until stop or the first failure. */
export interface ChangeReader {
  /** Resolves when every change from now on enters the log. */
  start(): Promise<void>;
  stop(): Promise<void>;
}
