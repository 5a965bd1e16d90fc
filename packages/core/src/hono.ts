import type { Context, ErrorHandler, MiddlewareHandler } from 'hono';
import type { DataStore } from './data-store-api.ts';
import { httpErrorResponse } from './error/http-error-response.ts';
import { checkOptions } from './option/check-options.ts';
import type { RootSession } from './session/root-session.ts';

/** What the handlers behind the middleware receive: `c.var.session`, and `c.var.context`, e.g. for `realization.as`. */
export interface SessionVariables<C = unknown> {
  /** Hono's variables: the caller's session and context. */
  Variables: { session: RootSession; context: C };
}

/** Options of `sessions`. */
export interface SessionsOptions<C> {
  /** Returns the caller's context: `(headers) => authorizer.authenticateHeaders(headers)`. Its error becomes the response. */
  readonly contextOf: (headers: Headers, c: Context) => C | Promise<C>;
}

/**
 * Gives each request its session, as `c.var.session`, and its context, as `c.var.context`. If `contextOf` throws, the error is sent at once (401 for a bad
 * token), and no handler runs.
 *
 * ```ts
 * import { answerError, type SessionVariables, sessions } from '@intendant/core/hono';
 * import { Hono } from 'hono';
 *
 * const app = new Hono<SessionVariables>();
 * app.use(sessions(store, { contextOf: (headers) => authorizer.authenticateHeaders(headers) }));
 * app.onError(answerError);
 * app.get('/vms/:id', async (c) => c.json(await c.var.session.find(vm, c.req.param('id'))));
 * ```
 */
export function sessions<C>(store: DataStore<C>, options: SessionsOptions<C>): MiddlewareHandler<SessionVariables<C>> {
  checkOptions<SessionsOptions<C>>('sessions', options, { contextOf: true });
  const { contextOf } = options;
  return async (c, next) => {
    let session: RootSession;
    try {
      const context = await contextOf(c.req.raw.headers, c);
      session = store.as(context);
      c.set('context', context);
    } catch (error) {
      const response = httpErrorResponse(error);
      if (!response) throw error;
      return c.json(response.body, response.status as 500);
    }
    c.set('session', session);
    return next();
  };
}

/** For `app.onError`: sends the framework's errors with their own HTTP status, and all others as Hono does by default. */
export const answerError: ErrorHandler = (error, c) => {
  const response = httpErrorResponse(error);
  if (response) return c.json(response.body, response.status as 500);
  if ('getResponse' in error) return error.getResponse();
  return c.text('Internal Server Error', 500);
};
