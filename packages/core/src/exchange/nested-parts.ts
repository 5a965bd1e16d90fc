import { AsyncLocalStorage } from 'node:async_hooks';
import { OperationNotAllowedError } from '../error/intendant-error.ts';

/*
 * Savepoints nest; they do not stand side by side: to roll back to one undoes everything since, whoever did it. So of a
 * transaction's parts that have a savepoint only the innermost may run statements. What another part asks for waits, in the
 * order in which it was asked for, until the parts inside of it have ended.
 *
 * Which part an operation belongs to is told by the asynchronous context that calls it, not by the object that it is called
 * on: a callback that uses the outer `tx` inside its nested part means the nested part.
 */

/** A part of a transaction with a savepoint of its own, or the whole. */
export interface Part {
  readonly owner: NestedParts;
  /** The part that it is nested in; undefined for the whole transaction. */
  readonly parent: Part | undefined;
  /** The part, of another transaction perhaps, in whose context it began. */
  readonly context: Part | undefined;
  isOver: boolean;
}

const contexts = new AsyncLocalStorage<Part>();

/** The parts of one transaction that have a savepoint of their own. */
export class NestedParts {
  readonly #whole: Part = { owner: this, parent: undefined, context: undefined, isOver: false };
  #innermost: Part = this.#whole;
  #waiting: (() => void)[] = [];

  /** No part with a savepoint is open. */
  get areOver(): boolean {
    return this.#innermost === this.#whole;
  }

  /** Whether the caller's part may run statements now. */
  get isTurn(): boolean {
    return this.current() === this.#innermost;
  }

  /** The part that the caller belongs to: the innermost that is still open in its context. */
  current(): Part {
    let part = contexts.getStore();
    while (part && (part.owner !== this || part.isOver)) part = part.owner === this ? part.parent : part.context;
    return part ?? this.#whole;
  }

  /** Resolves when a part has ended. Others that waited may come first, so look at `isTurn` again. */
  change(): Promise<void> {
    return new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Throws where the caller would have to wait: for what cannot wait. */
  checkTurn(): void {
    if (this.isTurn) return;
    throw new OperationNotAllowedError(
      'a nested transaction runs beside this; await it before you use tx.client or tx.query',
    );
  }

  /** Runs a part of its own inside the caller's. */
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
