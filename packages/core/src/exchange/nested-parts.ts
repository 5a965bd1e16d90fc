import { AsyncLocalStorage } from 'node:async_hooks';
import { OperationNotAllowedError } from '../error/intendant-error.ts';

/*
 * Savepoints can only be nested: rolling back to a savepoint undoes everything since, also the work of a concurrent nested
 * transaction. So only the innermost nested transaction may run statements. Statements of the others wait, in order, until
 * the transactions nested in them have ended.
 *
 * The asynchronous context of a call decides to which nested transaction it belongs, not the object it is called on: a
 * callback that uses the outer `tx` inside a nested transaction works in the nested one.
 */

/** A nested transaction (a savepoint), or the whole transaction. */
export interface Part {
  readonly owner: NestedParts;
  /** The surrounding part; undefined for the whole transaction. */
  readonly parent: Part | undefined;
  /** The part in whose asynchronous context this one began. It may be a part of another transaction. */
  readonly context: Part | undefined;
  isOver: boolean;
}

const contexts = new AsyncLocalStorage<Part>();

/** The nested transactions (savepoints) of one transaction. */
export class NestedParts {
  readonly #whole: Part = { owner: this, parent: undefined, context: undefined, isOver: false };
  #innermost: Part = this.#whole;
  #waiting: (() => void)[] = [];

  /** Whether no savepoint is open. */
  get areOver(): boolean {
    return this.#innermost === this.#whole;
  }

  /** Whether the caller's part may run statements now. */
  get isTurn(): boolean {
    return this.current() === this.#innermost;
  }

  /** The caller's part: the innermost one that is still open in the caller's asynchronous context. */
  current(): Part {
    let part = contexts.getStore();
    while (part && (part.owner !== this || part.isOver)) part = part.owner === this ? part.parent : part.context;
    return part ?? this.#whole;
  }

  /** Resolves when a part has ended. Another waiting caller may run first, so check `isTurn` again. */
  change(): Promise<void> {
    return new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Throws if the caller's part may not run statements now. For calls that cannot wait. */
  checkTurn(): void {
    if (this.isTurn) return;
    throw new OperationNotAllowedError(
      'a nested transaction is still running; await it before you use tx.client or tx.query',
    );
  }

  /** Runs a new part nested in the caller's part. */
  async nest<T>(run: (part: Part) => Promise<T>): Promise<T> {
    while (!this.isTurn) await this.change();
    const part: Part = { owner: this, parent: this.#innermost, context: contexts.getStore(), isOver: false };
    this.#innermost = part;
    try {
      return await contexts.run(part, () => run(part));
    } finally {
      this.#end(part);
    }
  }

  #end(part: Part): void {
    part.isOver = true;
    this.#innermost = part.parent as Part;
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }
}
