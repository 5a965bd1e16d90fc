import pg from 'pg';

/** The channel on which peers without statuses announce that a piece of work is done. */
export const DONE_CHANNEL = 'bench_done';

/** Another process that waits for this announcement. */
export class DoneListener implements AsyncDisposable {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async listen(url: string): Promise<DoneListener> {
    const client = new pg.Client(url);
    await client.connect();
    await client.query(`listen ${DONE_CHANNEL}`);
    return new DoneListener(client);
  }

  /** Resolves at the next announcement. */
  next(): Promise<number> {
    return new Promise((resolve) => this.#client.once('notification', () => resolve(performance.now())));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}
