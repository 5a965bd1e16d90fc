/** Runs exchanges one after the other, in call order: a future pg will not queue queries sent while another runs. */
export class Turns {
  /** Resolves, and never rejects, when no exchange is running any more. */
  #last: Promise<unknown> | undefined;

  take<T>(send: () => Promise<T>): Promise<T> {
    const turn = this.#last === undefined ? send() : this.#last.then(send);
    const over = turn.then(ignore, ignore).then(() => {
      if (this.#last === over) this.#last = undefined;
    });
    this.#last = over;
    return turn;
  }

  /** For an exchange that was sent already: the next turn begins when it has ended. It must not reject. */
  follow(running: Promise<unknown>): void {
    this.#last = running;
  }
}

const ignore = (): void => {};
