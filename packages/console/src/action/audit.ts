import type { Logger } from 'pino';
import type { Access } from '../caller/access.ts';
import type { Caller } from '../caller/caller.ts';

/** Logs who did what: one line at level info, with `audit: true`. It contains no values of records. */
export function audit(logger: Logger, caller: Caller, access: Access, what: Readonly<Record<string, unknown>>): void {
  logger.info(
    { audit: true, by: subjectOf(caller.context), orgId: access.orgId, roles: rolesOf(caller.context), ...what },
    `console: ${String(what['action'])}`,
  );
}

/** The subject of a token's claims, if the context has any. */
export function subjectOf(context: unknown): string | undefined {
  const { claims } = context as { readonly claims?: { readonly sub?: unknown } };
  return typeof claims?.sub === 'string' ? claims.sub : undefined;
}

function rolesOf(context: unknown): string[] | undefined {
  const { roles } = context as { readonly roles?: unknown };
  return Array.isArray(roles) ? roles.filter((role) => typeof role === 'string') : undefined;
}
