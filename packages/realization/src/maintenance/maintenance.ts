import type { Logger } from 'pino';
import { type Duty, DutyRound } from '../background/duty.ts';

/**
 * Runs background maintenance: rollouts, submitted operations, purging, resync. Each duty runs by itself; no two processes
 * work on the same thing at once. Start and stop may be called in any order and more than once.
 */
export class Maintenance implements AsyncDisposable {
  readonly #rounds: ReadonlyMap<string, DutyRound>;
  readonly #checkOpen: () => void;
  #isStarted = false;

  /** @internal */
  constructor(duties: readonly Duty[], logger: Logger, checkOpen: () => void) {
    this.#checkOpen = checkOpen;
    this.#rounds = new Map(duties.map((duty) => [duty.name, new DutyRound(duty, logger)]));
  }

  get isStarted(): boolean {
    return this.#isStarted;
  }

  /** Throws ConfigurationError when the realization is closed. */
  start(): void {
    this.#checkOpen();
    this.#isStarted = true;
    for (const round of this.#rounds.values()) round.start();
  }

  /** Resolves when running work has ended. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    await Promise.all([...this.#rounds.values()].map((round) => round.stop()));
  }

  /** @internal There may be something to do for this duty. */
  ring(duty: string): void {
    this.#rounds.get(duty)?.ring();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}
