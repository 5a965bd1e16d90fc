/** Closes what was opened, in reverse order. From Node 24 on, `await using` and AsyncDisposableStack do this. */
export class Resources {
  readonly #opened: AsyncDisposable[] = [];

  use<R extends AsyncDisposable>(resource: R): R {
    this.#opened.push(resource);
    return resource;
  }

  async close(): Promise<void> {
    for (const resource of this.#opened.splice(0).toReversed()) await resource[Symbol.asyncDispose]();
  }
}
