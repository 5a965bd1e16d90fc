import { createRoute, z } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { deleteCookie, getCookie, setCookie } from 'hono/cookie';
import type { BrowserSessions, Credential } from '../caller/browser-sessions.ts';
import { type CallerParts, readCaller, SESSION_COOKIE, verifyCredential } from '../caller/caller.ts';
import type { SignInLinks } from '../caller/sign-in-links.ts';
import { makeRouter } from '../console-parts.ts';
import { RefusedRequest } from '../http/problem.ts';
import { type MinuteLimit, peerAddress } from '../http/rate-limit.ts';
import { json, refusals } from './responses.ts';

export interface SessionParts {
  readonly callers: CallerParts;
  readonly sessions: BrowserSessions;
  readonly signInLinks: SignInLinks<unknown> | undefined;
  readonly signInLimit: MinuteLimit;
  readonly lifetimeMs: number;
}

const SessionSchema = z
  .object({
    csrfToken: z.string().openapi({ description: 'Send it as x-csrf-token with each request that changes something.' }),
  })
  .openapi('Session');

const SignInBody = z
  .strictObject({
    token: z.string().min(1).max(16_384).optional().openapi({ description: 'A bearer token.' }),
    link: z.string().min(1).max(200).optional().openapi({ description: 'The secret part of a one-time link.' }),
  })
  .openapi('SignIn', { oneOf: [{ required: ['token'] }, { required: ['link'] }] });

const openRoute = createRoute({
  method: 'post',
  path: '/session',
  summary: 'Sign a browser in, by a token or by a one-time link',
  security: [],
  request: { body: { required: true, content: { 'application/json': { schema: SignInBody } } } },
  responses: { 201: json(SessionSchema, 'Signed in; the response sets the cookie.'), ...refusals(400, 413, 415) },
});

const readRoute = createRoute({
  method: 'get',
  path: '/session',
  summary: 'Who is signed in here',
  responses: { 200: json(SessionSchema, 'The session.'), ...refusals() },
});

const closeRoute = createRoute({
  method: 'delete',
  path: '/session',
  summary: 'Sign out',
  responses: { 204: { description: 'Signed out.' }, ...refusals(403) },
});

export const sessionApi = (parts: SessionParts) =>
  makeRouter()
    .openapi(openRoute, async (context) => {
      await parts.signInLimit.take(peerAddress(context));
      const credential = readCredential(parts, context.req.valid('json'));
      await verifyCredential(parts.callers, credential);
      const { id, session } = parts.sessions.open(credential);
      setCookie(context, SESSION_COOKIE, id, cookieOptions(context, parts.lifetimeMs));
      return context.json({ csrfToken: session.csrfToken }, 201);
    })
    .openapi(readRoute, async (context) => {
      const { session } = await readCaller(parts.callers, context);
      return context.json({ csrfToken: session?.csrfToken ?? '' }, 200);
    })
    .openapi(closeRoute, async (context) => {
      await readCaller(parts.callers, context);
      const cookie = getCookie(context, SESSION_COOKIE);
      if (cookie !== undefined) parts.sessions.close(cookie);
      deleteCookie(context, SESSION_COOKIE, { path: '/' });
      return context.body(null, 204);
    });

function readCredential({ signInLinks }: SessionParts, { token, link }: z.infer<typeof SignInBody>): Credential {
  if ((token === undefined) === (link === undefined)) throw new RefusedRequest(400, 'Give either a token or a link.');
  if (token !== undefined) return { token };
  const context = signInLinks?.redeem(link as string);
  if (context !== undefined) return { context };
  throw new RefusedRequest(
    401,
    'This link was used already, or is too old. Ask for a new one where the console was started.',
  );
}

/** Scripts cannot read the cookie, and other sites cannot make the browser send it. */
const cookieOptions = (context: Context, lifetimeMs: number) => ({
  path: '/',
  httpOnly: true,
  sameSite: 'Strict' as const,
  secure: isHttps(context),
  maxAge: Math.min(Math.floor(lifetimeMs / 1000), 34_560_000),
});

const isHttps = (context: Context): boolean =>
  new URL(context.req.url).protocol === 'https:' || context.req.header('x-forwarded-proto') === 'https';
