import type { Scope } from '@intendant/core/internal';

/** The scope of the framework's own work for all tenants; each statement names its resources. */
export const SERVICE_SCOPE: Scope = { role: 'writer', orgId: undefined, instanceId: undefined };
