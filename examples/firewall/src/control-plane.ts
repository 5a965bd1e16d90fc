import { createDataStore } from '@intendant/core';
import { createRealization, on, type Realization } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import type { Firewall } from './firewall.ts';
import { policy, ROLES } from './policy.ts';

/** Store, feed and realization of this example. Closing it stops the workers too. */
export interface ControlPlane extends AsyncDisposable {
  readonly realization: Realization;
  readonly subscriptions: Subscriptions;
  close(): Promise<void>;
}

/** A policy goes to every point in its region, also to those that are added later. */
export async function openControlPlane(url: string): Promise<ControlPlane> {
  const store = await createDataStore({ connection: url });
  const subscriptions = await createSubscriptions({ store });
  const realization = await createRealization({ store, subscriptions });
  await realization.register([policy], { roles: ROLES, placement: ({ region }) => ({ region }) });
  const close = () => store.close();
  return { realization, subscriptions, close, [Symbol.asyncDispose]: close };
}

export interface PointOptions {
  readonly id: string;
  readonly region: string;
  readonly firewall: Firewall;
  /** How often each policy is compared with what is really there, in milliseconds. */
  readonly resyncEveryMs: number;
}

/** The worker of a point. Usually it runs as a process of its own on the host that it serves. */
export function pointWorker({ realization }: ControlPlane, { id, region, firewall, resyncEveryMs }: PointOptions) {
  const owner = ({ orgId, key }: { orgId: string | undefined; key: { id: string } }) => ({
    orgId: orgId ?? '',
    id: key.id,
  });
  return realization.worker({
    enforcementPoint: id,
    labels: { region },
    resyncEveryMs,
    retry: { minDelayMs: 500 },
    handlers: [
      on(policy, {
        realize: (intent, { signal }) => firewall.apply(owner(intent), intent.record.rules, signal),
        unrealize: (intent, { signal }) => firewall.remove(owner(intent), signal),
        observe: (intent, { signal }) => firewall.observe(owner(intent), intent.record.rules, signal),
      }),
    ],
  });
}
