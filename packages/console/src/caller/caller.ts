import { createHash } from 'node:crypto';
import { InvalidTokenError } from '@intendant/core';
import type { Context } from 'hono';
import { getCookie } from 'hono/cookie';
import { RefusedRequest } from '../http/problem.ts';
import { peerAddress } from '../http/rate-limit.ts';
import { type BrowserSession, type BrowserSessions, type Credential, isCsrfToken } from './browser-sessions.ts';

export const SESSION_COOKIE = 'intendant_session';
const CSRF_HEADER = 'x-csrf-token';
const SAFE_METHODS = new Set(['GET', 'HEAD']);

/** The caller who sent a request. */
export interface Caller {
  /** The context that the store's authorizer reads. */
  readonly context: unknown;
  /** Identifies the caller for limits. Contains no secret. */
  readonly id: string;
  /** Undefined for a caller without a session cookie. */
  readonly session: BrowserSession | undefined;
  /** Rejects when the caller is no longer signed in: for streams, which outlive their request. */
  recheck(): Promise<unknown>;
}

export interface CallerParts {
  readonly sessions: BrowserSessions;
  /** Verifies a bearer token. Undefined if the store's authorizer accepts none. */
  readonly authenticate: ((token: string) => Promise<unknown>) | undefined;
  /** The context of a request that the surrounding service has authenticated. */
  readonly contextOf: ((request: Request) => unknown) | undefined;
}

/** Identifies the caller of a request: by bearer token, by session cookie, or by the surrounding service. */
export async function readCaller(parts: CallerParts, context: Context): Promise<Caller> {
  const authorization = context.req.header('authorization');
  if (authorization !== undefined && parts.authenticate) return bearerCaller(parts, authorization);
  const cookie = getCookie(context, SESSION_COOKIE);
  const session = cookie === undefined ? undefined : parts.sessions.find(cookie);
  if (session && cookie !== undefined) return sessionCaller(parts, context, cookie, session);
  const own = await parts.contextOf?.(context.req.raw);
  if (own !== undefined && own !== null) return serviceCaller(own, context);
  throw notSignedIn();
}

async function bearerCaller(parts: CallerParts, authorization: string): Promise<Caller> {
  const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? [];
  if (token === undefined) throw notSignedIn();
  const verify = () => verifyCredential(parts, { token });
  return { context: await verify(), id: hashOf(token), session: undefined, recheck: verify };
}

async function sessionCaller(
  parts: CallerParts,
  request: Context,
  cookie: string,
  session: BrowserSession,
): Promise<Caller> {
  if (!SAFE_METHODS.has(request.req.method) && !isCsrfToken(session, request.req.header(CSRF_HEADER))) {
    throw new RefusedRequest(
      403,
      `Send the session's token in the header ${CSRF_HEADER}. Reload the page if it persists.`,
    );
  }
  const recheck = async () => {
    if (!parts.sessions.find(cookie)) throw notSignedIn();
    return verifyCredential(parts, session.credential);
  };
  return { context: await recheck(), id: hashOf(cookie), session, recheck };
}

const serviceCaller = (own: unknown, request: Context): Caller => ({
  context: own,
  id: peerAddress(request),
  session: undefined,
  recheck: async () => own,
});

/**
 * Returns the context of a credential that is still valid. Throws an error with status 401, and ConnectionError if the
 * issuer's keys cannot be fetched.
 */
export async function verifyCredential({ authenticate }: CallerParts, credential: Credential): Promise<unknown> {
  if ('context' in credential) return credential.context;
  if (!authenticate) throw notSignedIn();
  try {
    return await authenticate(credential.token);
  } catch (error) {
    if (error instanceof InvalidTokenError)
      throw notSignedIn('The token is not valid, or not any more. Sign in again.');
    throw error;
  }
}

const notSignedIn = (detail = 'Sign in: send a bearer token, or open the page and sign in there.'): RefusedRequest =>
  new RefusedRequest(401, detail, { headers: { 'www-authenticate': 'Bearer' } });

const hashOf = (secret: string): string => createHash('sha256').update(secret).digest('base64').slice(0, 22);
