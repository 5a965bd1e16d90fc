import pg from 'pg';

/** Where peers say that the work for one is done, for want of a status to follow. */
export const DONE_CHANNEL = 'bench_done';

/** Somebody elsewhere who waits for that. */
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

  /** When the next word comes. */
  next(): Promise<number> {
    return new Promise((resolve) => this.#client.once('notification', () => resolve(performance.now())));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}
