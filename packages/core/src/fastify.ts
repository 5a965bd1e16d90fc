import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { DataStore } from './data-store-api.ts';
import { httpErrorResponse } from './error/http-error-response.ts';
import { MissingContextError } from './error/intendant-error.ts';
import { checkOptions } from './option/check-options.ts';
import type { RootSession } from './session/root-session.ts';

/** Options of `sessions`. */
export interface SessionsOptions<C> {
  /** Returns the caller's context: `(request) => authorizer.authenticateHeaders(request.headers)`. Its error becomes the response. */
  readonly contextOf: (request: FastifyRequest) => C | Promise<C>;
}

const callers = new WeakMap<FastifyRequest, { session: RootSession; context: unknown }>();

/**
 * Gives each request its session, for `sessionOf`. If `contextOf` throws, the error is sent at once (401 for a bad
 * token), and no handler runs. This applies to the Fastify instance on which it is registered, and to nested instances.
 *
 * ```ts
 * import { answerError, sessionOf, sessions } from '@intendant/core/fastify';
 * import Fastify from 'fastify';
 *
 * const app = Fastify();
 * app.register(sessions(store, { contextOf: (request) => authorizer.authenticateHeaders(request.headers) }));
 * app.setErrorHandler(answerError);
 * app.get('/vms', (request) => sessionOf(request).findMany(vm));
 * ```
 */
export function sessions<C>(store: DataStore<C>, options: SessionsOptions<C>): (app: FastifyInstance) => Promise<void> {
  checkOptions<SessionsOptions<C>>('sessions', options, { contextOf: true });
  const { contextOf } = options;
  const plugin = async (app: FastifyInstance): Promise<void> => {
    app.addHook('onRequest', async (request, reply) => {
      try {
        const context = await contextOf(request);
        callers.set(request, { session: store.as(context), context });
      } catch (error) {
        const response = httpErrorResponse(error);
        if (!response) throw error;
        return reply.code(response.status).send(response.body);
      }
    });
  };
  return Object.assign(plugin, { [Symbol.for('skip-override')]: true });
}

/** Returns the session of the request. Throws MissingContextError if the plugin is not registered. */
export const sessionOf = (request: FastifyRequest): RootSession => callerOf(request).session;

/** Returns the context of the request, as `contextOf` returned it, e.g. for `realization.as`. Errors as for `sessionOf`. */
export const contextOf = <C = unknown>(request: FastifyRequest): C => callerOf(request).context as C;

function callerOf(request: FastifyRequest) {
  const caller = callers.get(request);
  if (caller) return caller;
  throw new MissingContextError('this request has no session; register the plugin of sessions() on this instance');
}

/**
 * For `app.setErrorHandler`: sends the framework's errors with their own HTTP status, and all others as Fastify does by
 * default.
 */
export function answerError(error: FastifyError, _request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const response = httpErrorResponse(error);
  return response ? reply.code(response.status).send(response.body) : reply.send(error);
}
