import { billedMachine, machine } from './machine.ts';
import type { Service } from './service.ts';

/**
 * Keeps the bill equal to the machines that exist. The bill and the acknowledgement of the change are committed
 * together, so a change counts exactly once, even if a process is killed or two share the work. A purge deletes a row
 * whose soft delete was already subtracted from the bill.
 */
export const startBilling = ({ store, subscriptions, identity }: Service) =>
  subscriptions.subscribe(
    machine,
    async (change, { ack }) => {
      const context = identity.authorizer.trustedContext({ orgId: change.orgId ?? '', roles: ['tenant_admin'] });
      await store.as(context).transaction(
        async (tx) => {
          const id = String(change.key['id']);
          if (change.operation === 'delete') await tx.delete(billedMachine, id);
          else if (change.record) await tx.upsert(billedMachine, { id, cpus: change.record.cpus });
          await ack(tx);
        },
        { tables: [billedMachine] },
      );
    },
    { name: 'billing', from: 'beginning' },
  );
