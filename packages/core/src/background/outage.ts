import type { Logger } from 'pino';
import { describeThrown } from './describe-thrown.ts';

export interface OutageMessages {
  /** Logged as a warning at the first failure, with its reason, e.g. `the relay lost its connection; it connects again`. */
  readonly began: string;
  /** Logged as information at the next success, e.g. `the relay is connected again`. */
  readonly ended: string;
}

/** Tracks whether something is unavailable, e.g. a connection. Logs the beginning and the end of an outage once each. */
export class Outage {
  readonly #logger: Logger;
  readonly #messages: OutageMessages;
  #began: number | undefined;
  #failures = 0;

  constructor(logger: Logger, messages: OutageMessages) {
    this.#logger = logger;
    this.#messages = messages;
  }

  /** Whether the most recent result was a failure. */
  get isOn(): boolean {
    return this.#began !== undefined;
  }

  /** Number of failures in this outage. */
  get failures(): number {
    return this.#failures;
  }

  /** Notes a failure; `fields` are logged with it. */
  noteFailure(error: unknown, fields: Readonly<Record<string, unknown>> = {}): void {
    this.#failures++;
    if (this.#began !== undefined) return;
    this.#began = performance.now();
    this.#logger.warn({ ...fields, reason: describeThrown(error) }, this.#messages.began);
  }

  /** Notes a success. */
  noteSuccess(fields: Readonly<Record<string, unknown>> = {}): void {
    if (this.#began === undefined) return;
    const lastedMs = Math.round(performance.now() - this.#began);
    this.#logger.info({ ...fields, lastedMs, failures: this.#failures }, this.#messages.ended);
    this.#began = undefined;
    this.#failures = 0;
  }
}
