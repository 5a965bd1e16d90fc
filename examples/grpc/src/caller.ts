import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { contextFromHeaders, type MetadataContext } from '@intendant/core';

/**
 * Reads the caller from the metadata keys `orgid` and `roles`. This example trusts them: a real service receives them
 * from a proxy that has authenticated the caller, or reads a token with core's JwtAuthorizer.
 */
export function callerOf({ requestHeader }: HandlerContext): MetadataContext {
  const caller = contextFromHeaders(requestHeader);
  if (caller.orgId === undefined || caller.orgId === '')
    throw new ConnectError('the metadata key orgid is missing', Code.Unauthenticated);
  // Fetch headers join repeated keys, so a request with two orgs names no valid org.
  if (caller.orgId.includes(','))
    throw new ConnectError('the metadata key orgid names several orgs', Code.Unauthenticated);
  return caller;
}
