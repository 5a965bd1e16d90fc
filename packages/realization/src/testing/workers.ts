import { type Handlers, on, type Realization, type Worker, type WorkerOptions } from '../index.ts';
import { vm } from './fixture.ts';

export type VmHandlers = Partial<Handlers<typeof vm>>;

/** Workers of one realization that a test started, to be stopped when it ends. */
export class Workers {
  readonly #realization: Realization;
  readonly #made: Worker[] = [];

  constructor(realization: Realization) {
    this.#realization = realization;
  }

  make(options: WorkerOptions): Worker {
    const worker = this.#realization.worker(options);
    this.#made.push(worker);
    return worker;
  }

  /** A started worker for virtual machines whose handlers do nothing by default, with short retry delays. */
  async work(
    enforcementPoint: string,
    handlers: VmHandlers = {},
    options: Partial<WorkerOptions> = {},
  ): Promise<Worker> {
    const worker = this.make({
      enforcementPoint,
      handlers: [on(vm, { realize: async () => {}, ...handlers })],
      retry: { limit: 3, minDelayMs: 20, maxDelayMs: 40 },
      ...options,
    });
    await worker.start();
    return worker;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#made.splice(0).map((worker) => worker.stop()));
  }
}
