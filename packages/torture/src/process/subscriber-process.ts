/**
 * Durable subscribers that may lead the relay, in a process that may be killed, stopped and disconnected. When the
 * handler returns, the change becomes a line of the history.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Change, SubscribeOptions } from '@intendant/subscription';
import { randomFrom } from '../random.ts';
import { adminOf } from '../world/tables.ts';
import { openSystem, type System } from './open-system.ts';

const SLOWEST_MS = 2;
const DROPPED = 0.01;

await openSystem(
  async (system) => {
    const { subscriptions, settings } = system;
    const options = { from: 'beginning', concurrency: 4, backoffMs: 20, maxBackoffMs: 500 } as const;
    const follow = (name: string, table: string, more: SubscribeOptions = {}) =>
      subscriptions.subscribe(table, receiver(system, name), {
        name,
        onReset: () => system.history.write({ kind: 'reset', name }),
        ...options,
        ...more,
      });
    await follow('all-vm', 'vm');
    await follow('all-sign', 'sign');
    await follow('all-status', 'enforcement_status_vm');
    for (const org of settings.orgs.slice(0, 1)) await follow(`tenant-vm@${org}`, 'vm', { as: adminOf(org) });
  },
  { relay: true },
);

function receiver({ history, settings }: System, name: string): (change: Change) => Promise<void> {
  const random = randomFrom(settings.seed, `${settings.name} ${name}`);
  return async ({ table, operation, key, orgId, revision, position, record }) => {
    await delay(random.between(0, SLOWEST_MS));
    if (settings.broken === 'drop-changes' && random.chance(DROPPED)) return;
    history.write({
      kind: 'change',
      name,
      table: table.replace('enforcement_status_', ''),
      org: orgId ?? '',
      id: String(key['id']),
      operation,
      position,
      ...(table === 'enforcement_status_vm'
        ? {
            revision: Number(record?.['resource_revision']),
            point: String(key['enforcement_point_id']),
            status: Number(record?.['realization_status']),
          }
        : { revision, ...(record?.['value'] !== undefined && { value: String(record['value']) }) }),
    });
  };
}
