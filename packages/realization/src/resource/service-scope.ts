import type { Scope } from '@intendant/core/internal';

/** The framework's own work is for all tenants at once: each statement names the resources it means. */
export const SERVICE_SCOPE: Scope = { role: 'writer', orgId: undefined, instanceId: undefined };
