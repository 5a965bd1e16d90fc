import type pg from 'pg';

/** Ends a connection that may hang, without a word to the other side. What pg's types leave out. */
export const destroySocket = (client: pg.Client): void =>
  (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
