import { IntendantError } from '@intendant/core';
import { ownersIn } from '../checker/owners-in.ts';
import type { OperationEvent } from '../history/history-event.ts';
import { SECRET_MARK } from '../world/tables.ts';
import type { System } from './open-system.ts';
import { nameOf, outcomeOf, textOf } from './outcome.ts';

/** An operation, with the fields of the history. */
export type Described = Pick<
  OperationEvent,
  'name' | 'table' | 'org' | 'id' | 'value' | 'points' | 'status' | 'revision'
>;

/** Runs operations and records each invocation and outcome. */
export class Client {
  readonly #system: System;
  #count = 0;

  constructor(system: System) {
    this.#system = system;
  }

  /** Calls `run`, which returns the new revision, if there is one. Never throws. */
  async perform(described: Described, run: () => Promise<number | undefined>): Promise<void> {
    const { history, settings } = this.#system;
    const line = { kind: 'operation', call: `${settings.name}-${process.pid}-${this.#count++}`, ...described } as const;
    history.write({ ...line, phase: 'invoke' });
    try {
      const revision = await run();
      history.write({ ...line, phase: 'ok', ...(revision !== undefined && { revision }) });
    } catch (error) {
      history.write({ ...line, phase: outcomeOf(error), error: nameOf(error) });
      this.#inspect(described, error);
    }
  }

  /** An error is a response too: it may contain only the caller's own data, and no value of a record. */
  #inspect({ org, name }: Described, error: unknown): void {
    const text = textOf(error);
    const { history } = this.#system;
    const owners = ownersIn(text);
    const secret = text.includes(SECRET_MARK);
    const isBad = secret || owners.some((owner) => owner !== org);
    history.write({ kind: 'answer', org, door: `error of ${name}`, owners, secret, ...(isBad && { text }) });
    if (error instanceof IntendantError) return;
    history.write({ kind: 'complaint', rule: 'every error is one of the catalogue', text: `${name}: ${text}` });
  }
}
