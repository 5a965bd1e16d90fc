import { setTimeout as delay } from 'node:timers/promises';
import { TerminalError } from '@intendant/realization';
import type { PlaygroundPoint, Temper } from './points.ts';
import { between, type Random } from './random.ts';

const ROUND_MS = 180_000;
const OUTAGE_MS = 60_000;

const DURATIONS_MS: Readonly<Record<Temper, readonly [number, number]>> = {
  quick: [50, 400],
  slow: [1500, 6000],
  flaky: [100, 900],
  outage: [80, 500],
};

const FLAKY_SHARE = 0.3;

/** The simulated device behind a point: it takes time, and fails as real devices do. */
export class Device {
  readonly #point: PlaygroundPoint;
  readonly #random: Random;

  constructor(point: PlaygroundPoint, random: Random) {
    this.#point = point;
    this.#random = random;
  }

  /** Applies a configuration, or throws as the device would. */
  async apply(subject: string, signal: AbortSignal): Promise<void> {
    const { temper, id } = this.#point;
    await delay(between(this.#random, ...DURATIONS_MS[temper]), undefined, { signal });
    if (temper === 'outage' && isOutage()) throw new Error(`connect ECONNREFUSED ${id}.devices.internal:8443`);
    if (temper === 'flaky' && this.#random() < FLAKY_SHARE)
      throw new Error(`${id}: commit of ${subject} timed out after 30 s; the device kept its previous configuration`);
  }

  /** Throws an error that no retry can fix, for a configuration that the device cannot accept. */
  checkPort(port: number): void {
    if (port < 1) throw new TerminalError(`port ${port} is not allowed in a rule; ports go from 1 to 65535`);
  }
}

/** The first minute of every three. */
const isOutage = (): boolean => Date.now() % ROUND_MS < OUTAGE_MS;
