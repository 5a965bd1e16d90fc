import { Code, ConnectError, type HandlerContext } from '@connectrpc/connect';
import { contextFromHeaders, type MetadataContext } from '@intendant/core';

/**
 * Who is calling, from the metadata keys `orgid` and `roles`. Here they are taken at their word: a real service takes them
 * from a proxy that has authenticated the caller, or reads a token with core's JwtAuthorizer.
 */
export function callerOf({ requestHeader }: HandlerContext): MetadataContext {
  const caller = contextFromHeaders(requestHeader);
  if (caller.orgId === undefined || caller.orgId === '')
    throw new ConnectError('the metadata key orgid is missing', Code.Unauthenticated);
  // Fetch headers join repeated keys: two orgs in one request are nobody's.
  if (caller.orgId.includes(','))
    throw new ConnectError('the metadata key orgid names several orgs', Code.Unauthenticated);
  return caller;
}
