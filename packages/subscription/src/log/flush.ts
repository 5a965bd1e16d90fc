/**
 * SQL expressions that make the commit wait until the write-ahead log is on disk up to its end. Without the message, which
 * has no effect, a transaction that only notifies or reads would not wait: it has written nothing.
 */
export const FLUSH = `set_config('synchronous_commit', 'local', true), pg_logical_emit_message(true, 'intendant.flush', '')`;
