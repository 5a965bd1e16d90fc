import { createDataStore } from '@intendant/core';
import { createRealization, on, type Realization } from '@intendant/realization';
import { createSubscriptions } from '@intendant/subscription';
import { applyRoute, type GatewayOptions, observeRoute, removeRoute } from './gateway.ts';
import type { Nginx } from './nginx.ts';
import { ROLES, route } from './route.ts';

export interface ControlPlane {
  readonly realization: Realization;
  close(): Promise<void>;
}

/** Every route goes to every gateway. */
export async function openControlPlane(url: string): Promise<ControlPlane> {
  const store = await createDataStore({ connection: url });
  const subscriptions = await createSubscriptions({ store });
  const realization = await createRealization({ store, subscriptions });
  await realization.register([route], { roles: ROLES, placement: { kind: 'gateway' } });
  return { realization, close: () => store.close() };
}

/** The worker beside one nginx. Changes to the files of one nginx run one after the other. */
export function gatewayWorker({ realization }: ControlPlane, id: string, nginx: Nginx, options: GatewayOptions = {}) {
  return realization.worker({
    enforcementPoint: id,
    labels: { kind: 'gateway' },
    concurrency: 1,
    leaseMs: 2_000,
    retry: { minDelayMs: 500, maxDelayMs: 2_000 },
    handlers: [
      on(route, {
        realize: ({ record }) => applyRoute(nginx, record, options),
        unrealize: ({ key, orgId }) => removeRoute(nginx, { id: key.id, orgId: orgId ?? '' }),
        observe: ({ record }) => observeRoute(nginx, record),
      }),
    ],
  });
}
