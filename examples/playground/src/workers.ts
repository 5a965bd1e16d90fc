import { on, type Realization, type Worker } from '@intendant/realization';
import { Device } from './device.ts';
import { LONELY_POINT, type PlaygroundPoint, POINTS } from './points.ts';
import { type Random, seededRandom } from './random.ts';
import { firewallRule, virtualMachine } from './tables.ts';

const ABSENT_MS = 90_000;
const PRESENT_MS = 150_000;

/** The workers of all points, in this process. One of them stops and starts repeatedly. */
export class PlaygroundWorkers {
  readonly #workers: ReadonlyMap<string, Worker>;
  #timer: NodeJS.Timeout | undefined;

  constructor(realization: Realization) {
    const random = seededRandom(40);
    this.#workers = new Map(POINTS.map((point) => [point.id, makeWorker(realization, point, random)]));
  }

  async start(): Promise<void> {
    for (const worker of this.#workers.values()) await worker.start();
    this.#timer = setTimeout(() => this.#leave(), PRESENT_MS);
  }

  #leave(): void {
    void this.#lonely.stop();
    this.#timer = setTimeout(() => this.#return(), ABSENT_MS);
  }

  #return(): void {
    void this.#lonely.start();
    this.#timer = setTimeout(() => this.#leave(), PRESENT_MS);
  }

  get #lonely(): Worker {
    return this.#workers.get(LONELY_POINT) as Worker;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function makeWorker(realization: Realization, point: PlaygroundPoint, random: Random): Worker {
  const device = new Device(point, random);
  return realization.worker({
    enforcementPoint: point.id,
    labels: point.labels,
    concurrency: 2,
    pollIntervalMs: 15_000, // the feed wakes the workers, so they need not poll more often
    resyncEveryMs: 1_800_000,
    retry: { limit: 6, minDelayMs: 2_000, maxDelayMs: 30_000 },
    handlers: [
      on(virtualMachine, {
        realize: ({ record }, { signal }) => device.apply(record.name, signal),
        unrealize: ({ record }, { signal }) => device.apply(record.name, signal),
        observe: async () => 'realized',
      }),
      on(firewallRule, {
        realize: async ({ record }, { signal }) => {
          device.checkPort(record.port);
          await device.apply(record.name, signal);
        },
        unrealize: ({ record }, { signal }) => device.apply(record.name, signal),
      }),
    ],
  });
}
