import type { MiddlewareHandler } from 'hono';
import { RefusedRequest } from './problem.ts';

/**
 * Refuses requests for other hosts with 421. A page of another site can point its own host name at this machine (DNS
 * rebinding); its requests still carry that name.
 */
export function demandHost(hosts: readonly string[]): MiddlewareHandler {
  const known = new Set(hosts.map((host) => host.toLowerCase()));
  return async ({ req }, next) => {
    if (!known.has(hostOf(req.header('host') ?? new URL(req.url).host)))
      throw new RefusedRequest(421, 'The console is not served under this host name.');
    await next();
  };
}

/** The name without the port: `[::1]:4000` is `[::1]`. */
const hostOf = (header: string): string => header.toLowerCase().replace(/:\d+$/, '');
