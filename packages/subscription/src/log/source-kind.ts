/** How changes are written to the log: by triggers in the writers' transactions, or from the write-ahead log. */
export type SourceKind = 'triggers' | 'replication';
