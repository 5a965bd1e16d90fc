import type { AnyTable } from '@intendant/core';
import { checkCount, checkOptions, type DataStoreInternals, type RegisteredTable } from '@intendant/core/internal';
import { loggedName } from '../log/names.ts';
import { DEAD_LETTER_LIST_OPTIONS, DEAD_LETTER_SELECTION, FORGET_OPTIONS } from '../option-names.ts';
import { type Position, readPosition } from '../position.ts';
import type { Horizon } from '../source/horizon.ts';
import type { DeadLetterListOptions, DeadLetterSelection, ForgetOptions } from '../subscriptions.ts';
import { nameOfTable } from '../table-name.ts';
import { type DeadLetter, discardDeadLetters, listDeadLetters, markDue } from './dead-letters.ts';
import { checkName } from './durable-name.ts';
import { type DurableSubscriptionInfo, listDurableSubscriptions } from './durable-subscription-info.ts';
import { forgetName } from './forget-name.ts';

const DEAD_LETTERS = 1_000;
const MAX_DEAD_LETTERS = 10_000;

/** Lists and administers the durable names of a database, with or without members. */
export class DurableNames {
  readonly #internals: DataStoreInternals;
  readonly #horizon: Horizon;

  constructor(internals: DataStoreInternals, horizon: Horizon) {
    this.#internals = internals;
    this.#horizon = horizon;
  }

  list(): Promise<DurableSubscriptionInfo[]> {
    const tableOf = this.#tablesByLoggedName();
    const tableName = (logged: string) => tableOf(logged)?.name ?? logged.slice(logged.indexOf('.') + 1);
    return listDurableSubscriptions(this.#internals, this.#horizon.logId, tableName);
  }

  async deadLetters(options: DeadLetterListOptions): Promise<DeadLetter[]> {
    checkOptions('deadLetters', options, DEAD_LETTER_LIST_OPTIONS);
    const { name, limit = DEAD_LETTERS, table, positions, after } = options;
    if (name !== undefined) checkName('deadLetters', name);
    if (after !== undefined) checkName('deadLetters, after', after.name);
    return listDeadLetters(this.#internals, this.#horizon.logId, this.#tablesByLoggedName(), {
      name,
      loggedTable: table === undefined ? undefined : this.#loggedName(table),
      numbers: this.#numbers(positions),
      after: after && { name: after.name, number: this.#number(after.position) },
      limit: checkCount('limit', limit, { max: MAX_DEAD_LETTERS }),
    });
  }

  async replayDeadLetters(name: string, selection: DeadLetterSelection): Promise<number> {
    checkName('replayDeadLetters', name);
    checkOptions('replayDeadLetters', selection, DEAD_LETTER_SELECTION);
    return markDue(this.#internals, name, this.#numbers(selection.positions));
  }

  async discardDeadLetters(name: string, selection: DeadLetterSelection): Promise<number> {
    checkName('discardDeadLetters', name);
    checkOptions('discardDeadLetters', selection, DEAD_LETTER_SELECTION);
    return discardDeadLetters(this.#internals, name, this.#numbers(selection.positions));
  }

  async forget(name: string, options: ForgetOptions): Promise<boolean> {
    checkName('forget', name);
    checkOptions('forget', options, FORGET_OPTIONS);
    return forgetName(this.#internals, name, options.force === true);
  }

  #tablesByLoggedName(): (logged: string) => RegisteredTable | undefined {
    const tables = new Map(this.#internals.tables().map((table) => [loggedName(table), table]));
    return (logged) => tables.get(logged);
  }

  #loggedName(table: string | AnyTable): string {
    return loggedName({ schemaName: this.#internals.schemaName, name: nameOfTable('table', table) });
  }

  #numbers(positions: readonly Position[] | undefined): number[] | undefined {
    return positions?.map((position) => this.#number(position));
  }

  #number(position: Position): number {
    return readPosition(this.#horizon.logId, position);
  }
}
