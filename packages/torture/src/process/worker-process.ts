/**
 * Workers at all points, in a process that may be killed, stopped and disconnected. Each attempt becomes a line of the
 * history when the handler is called, and another when the handler has returned or its signal was aborted.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type HandlerContext, type Intent, on } from '@intendant/realization';
import { randomFrom } from '../random.ts';
import { vm } from '../world/tables.ts';
import { openSystem, type System } from './open-system.ts';

const LEASE_MS = 2_000;
const USUAL_MS = 40;
/** Some attempts take longer than the lease, so that it must be renewed. */
const LONG = 0.03;
const LONGEST_MS = 5_000;
const FAILING = 0.03;

await openSystem(async (system) => {
  const attempt = attempts(system);
  for (const enforcementPoint of system.settings.points) {
    const worker = system.realization.worker({
      enforcementPoint,
      handlers: [
        on(vm, {
          realize: (intent, context) => attempt(enforcementPoint, false, intent, context),
          unrealize: (intent, context) => attempt(enforcementPoint, true, intent, context),
        }),
      ],
      concurrency: 8,
      leaseMs: LEASE_MS,
      pollIntervalMs: 1_000,
      sweepIntervalMs: 5_000,
      retry: { limit: Number.POSITIVE_INFINITY, minDelayMs: 50, maxDelayMs: 500 },
    });
    await worker.start();
  }
});

type Attempt = (point: string, removal: boolean, intent: Intent<typeof vm>, context: HandlerContext) => Promise<void>;

function attempts({ history, settings }: System): Attempt {
  const random = randomFrom(settings.seed, settings.name);
  let count = 0;
  const once: Attempt = async (point, removal, { orgId = '', key, revision, record }, { signal }) => {
    const line = {
      kind: 'attempt',
      call: `${settings.name}-${process.pid}-a${count++}`,
      table: 'vm',
      org: orgId,
      id: key.id,
      point,
      revision,
      removal,
      ...(record.value !== undefined && { value: record.value }),
    } as const;
    history.write({ ...line, phase: 'invoke' });
    const onAbort = () => history.write({ ...line, phase: 'aborted' });
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    await delay(random.chance(LONG) ? random.between(0, LONGEST_MS) : random.between(0, USUAL_MS), undefined, {
      signal,
    });
    signal.removeEventListener('abort', onAbort);
    const fails = random.chance(FAILING);
    history.write({ ...line, phase: fails ? 'failed' : 'ok' });
    if (fails) throw new Error(`the device at ${point} does not respond`);
  };
  if (settings.broken !== 'twice') return once;
  return async (...given) => void (await Promise.all([once(...given), once(...given)]));
}
