/*
 * Maintenance in a process that may be killed. It may lead the relay as well.
 */
import { openSystem } from './open-system.ts';

await openSystem(async ({ realization }) => realization.maintenance.start(), { relay: true, maintenance: true });
