import type pg from 'pg';

/** Runs transactions on one connection, one after the other. */
export class TransactionQueue {
  readonly #client: pg.ClientBase;
  #last: Promise<void> = Promise.resolve();

  constructor(client: pg.ClientBase) {
    this.#client = client;
  }

  run<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    const done = this.#last.then(() => this.#transaction(work));
    this.#last = done.then(
      () => {},
      () => {},
    );
    return done;
  }

  async #transaction<T>(work: (client: pg.ClientBase) => Promise<T>): Promise<T> {
    await this.#client.query('begin');
    try {
      const result = await work(this.#client);
      await this.#client.query('commit');
      return result;
    } catch (error) {
      await this.#client.query('rollback').catch(() => {}); // The connection is lost.
      throw error;
    }
  }
}
