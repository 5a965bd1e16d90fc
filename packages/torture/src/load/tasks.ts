import type { Random } from '../random.ts';
import { adminOf, vm } from '../world/tables.ts';
import { idOf, orgOf } from './fill-tables.ts';
import { type LoadedSystem, PLACED, SERVICE } from './loaded-system.ts';

/** An operation whose time is compared. */
export interface Task {
  readonly name: string;
  /** Whether it reads all tenants' rows, so that its time grows with them. Default false. */
  readonly readsAll?: boolean;
  run(system: LoadedSystem, random: Random): Promise<unknown>;
}

const anyOrg = ({ size }: LoadedSystem, random: Random) => orgOf(random.below(size.tenants));
const anyId = ({ size }: LoadedSystem, random: Random) => idOf(random.below(size.resources));

/** Resolves when the durable subscription has received the change of an intent. */
async function deliver(system: LoadedSystem, random: Random): Promise<void> {
  const [org, id] = [anyOrg(system, random), `fed-${random.next()}`];
  const arrived = Promise.withResolvers<void>();
  const subscription = await system.subscriptions.subscribe(
    vm,
    ({ key }) => {
      if (key.id === id) arrived.resolve();
    },
    { name: `load-${id}`, from: 'now' },
  );
  await system.realization.as(adminOf(org)).persistIntent(vm, { id, value: '' }, PLACED);
  await arrived.promise;
  await subscription.close();
}

const view = (path: string, caller: 'service' | 'tenant'): Task => ({
  readsAll: caller === 'service',
  name: `console, ${caller}: ${path.replace(/\?.*/, '')}${path.includes('status') ? ' by status' : ''}`,
  run: (system, random) =>
    system.view(path.replace('KEY', anyId(system, random)), caller === 'service' ? 'service' : anyOrg(system, random)),
});

export const TASKS: readonly Task[] = [
  { name: 'registration', run: (system) => system.register() },
  {
    name: 'new intent',
    run: (system, random) =>
      system.realization
        .as(adminOf(anyOrg(system, random)))
        .persistIntent(vm, { id: `new-${random.next()}`, value: '' }, PLACED),
  },
  {
    name: 'changed intent',
    run: (system, random) =>
      system.realization
        .as(adminOf(anyOrg(system, random)))
        .persistIntent(vm, { id: anyId(system, random), value: String(random.next()) }, PLACED),
  },
  {
    name: 'mark',
    run: async (system, random) => {
      const session = system.realization.as(adminOf(anyOrg(system, random)));
      const id = anyId(system, random);
      const { overall } = await session.getOverallStatusWithEnforcementDetails(vm, id);
      await session.markSuccess(vm, { id, revision: overall.revision }, 'E0');
    },
  },
  { name: 'delivery to a new durable subscription', run: deliver },
  {
    name: 'counts of a tenant',
    run: (system, random) => system.realization.as(adminOf(anyOrg(system, random))).summary(),
  },
  { name: 'counts of all tenants', readsAll: true, run: (system) => system.realization.as(SERVICE).summary() },
  view('/summary', 'tenant'),
  view('/summary', 'service'),
  view('/resources?table=vm', 'tenant'),
  view('/resources?table=vm', 'service'),
  view('/resources?table=vm&status=ERROR', 'tenant'),
  view('/resources?table=vm&status=ERROR', 'service'),
  view('/resources/vm/KEY', 'tenant'),
  view('/resources/vm/KEY/history', 'tenant'),
  view('/tenants', 'service'),
  view('/points', 'service'),
  view('/activity', 'service'),
];
