import { type AnyTable, ConfigurationError } from '@intendant/core';
import type { DataStoreInternals, RegisteredTable } from '@intendant/core/internal';
import { loggedName } from '../log/names.ts';
import { type Position, readPosition } from '../position.ts';
import type { Horizon } from '../source/horizon.ts';
import type { DeadLetterListOptions, DeadLetterSelection } from '../subscriptions.ts';
import { type DeadLetter, discardDeadLetters, listDeadLetters, markDue } from './dead-letters.ts';
import { checkName } from './durable-name.ts';
import { type DurableSubscriptionInfo, listDurableSubscriptions } from './durable-subscription-info.ts';
import { forgetName } from './forget-name.ts';

const DEAD_LETTERS = 1_000;
const MOST_DEAD_LETTERS = 10_000;

/** Lists and administers the durable names of a database, whoever works under them. */
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
    const { name, limit = DEAD_LETTERS, table, positions, after } = options;
    if (name !== undefined) checkName('deadLetters', name);
    if (!Number.isInteger(limit) || limit < 1 || limit > MOST_DEAD_LETTERS)
      throw new ConfigurationError(`deadLetters: limit must be a whole number from 1 to ${MOST_DEAD_LETTERS}`);
    return listDeadLetters(this.#internals, this.#horizon.logId, this.#tablesByLoggedName(), {
      name,
      loggedTable: table === undefined ? undefined : this.#loggedName(table),
      numbers: this.#numbers(positions),
      after: after && { name: after.name, number: this.#number(after.position) },
      limit,
    });
  }

  async replayDeadLetters(name: string, { positions }: DeadLetterSelection): Promise<number> {
    checkName('replayDeadLetters', name);
    return markDue(this.#internals, name, this.#numbers(positions));
  }

  async discardDeadLetters(name: string, { positions }: DeadLetterSelection): Promise<number> {
    checkName('discardDeadLetters', name);
    return discardDeadLetters(this.#internals, name, this.#numbers(positions));
  }

  async forget(name: string, isForced: boolean): Promise<boolean> {
    checkName('forget', name);
    return forgetName(this.#internals, name, isForced);
  }

  #tablesByLoggedName(): (logged: string) => RegisteredTable | undefined {
    const tables = new Map(this.#internals.tables().map((table) => [loggedName(table), table]));
    return (logged) => tables.get(logged);
  }

  #loggedName(table: string | AnyTable): string {
    return loggedName({ schemaName: this.#internals.schemaName, name: typeof table === 'string' ? table : table.name });
  }

  #numbers(positions: readonly Position[] | undefined): number[] | undefined {
    return positions?.map((position) => this.#number(position));
  }

  #number(position: Position): number {
    return readPosition(this.#horizon.logId, position);
  }
}
