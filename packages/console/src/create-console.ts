import { type Authorizer, ConfigurationError, type MetadataContext } from '@intendant/core';
import { checkCount, checkDuration, checkOptions, internalsOf, type OptionNames } from '@intendant/core/internal';
import type { Realization } from '@intendant/realization';
import { type Context, Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { ActionRuns } from './action/action-runs.ts';
import { subjectOf } from './action/audit.ts';
import { actionsApi } from './api/actions.ts';
import { activityApi } from './api/activity.ts';
import { changesApi } from './api/changes.ts';
import { deadLettersApi } from './api/dead-letters.ts';
import { healthApi, readMetrics } from './api/health.ts';
import { pointsApi } from './api/points.ts';
import { resourceApi } from './api/resource.ts';
import { resourcesApi } from './api/resources.ts';
import { type SessionParts, sessionApi } from './api/session.ts';
import { subscriptionsApi } from './api/subscriptions.ts';
import { summaryApi } from './api/summary.ts';
import { tenantsApi } from './api/tenants.ts';
import { type Access, demandService, readAccess } from './caller/access.ts';
import { BrowserSessions } from './caller/browser-sessions.ts';
import { type Caller, type CallerParts, readCaller, SESSION_COOKIE } from './caller/caller.ts';
import type { SignInLinks } from './caller/sign-in-links.ts';
import type { ConsoleLimits, ConsoleOptions, TokenAuthorizer } from './console-options.ts';
import { type ConsoleEnv, type ConsoleParts, makeRouter } from './console-parts.ts';
import { demandMethod } from './http/allowed-methods.ts';
import { demandHost } from './http/known-hosts.ts';
import { PageFiles } from './http/page-files.ts';
import { answerError, problemResponse, RefusedRequest } from './http/problem.ts';
import { limitRate, MinuteLimit } from './http/rate-limit.ts';
import { securityHeaders } from './http/security-headers.ts';
import { OpenStreams } from './stream/change-stream.ts';

const HALF_A_DAY_MS = 12 * 3_600_000;

/**
 * Returns a Hono app with an HTTP API and a web page that show what is realized, what is stuck, and why. Serve it alone
 * or mount it into another app (`app.route('/console', createConsole(…))`).
 *
 * The console has no rights of its own: a caller sees and does what the store's authorizer and row security allow.
 * Throws ConfigurationError for an option that is missing or wrong.
 *
 * ```ts
 * import { serve } from '@hono/node-server';
 *
 * const app = createConsole({ store, realization, subscriptions, signInLinks: new SignInLinks() });
 * serve({ fetch: app.fetch, port: 4000, hostname: '127.0.0.1' });
 * ```
 */
export function createConsole<C = MetadataContext>(options: ConsoleOptions<C>): Hono {
  checkConsoleOptions(options as Partial<ConsoleOptions<unknown>>);
  const given = options as unknown as ConsoleOptions<unknown>;
  const parts = makeParts(given);
  const session = makeSessionParts(given);
  const app = new Hono();
  app.onError(answerError((error, context) => logFailure(parts, error, context)));
  app.notFound(() => problemResponse(404, { detail: 'There is nothing at this path.' }));
  app.use(securityHeaders());
  if (given.hosts) app.use(demandHost(given.hosts));
  app.route('/', healthApi(parts));
  app.route('/', documentedApi(given, parts, session));
  const page = new PageFiles(given.basePath);
  app.get('/*', (context) => page.answer(context));
  return app;
}

const OPTIONS: OptionNames<ConsoleOptions> = {
  store: true,
  realization: true,
  subscriptions: true,
  authorizer: true,
  signInLinks: true,
  contextOf: true,
  mayAct: true,
  metrics: true,
  hasOpenMetrics: true,
  sessionLifetimeMs: true,
  basePath: true,
  hosts: true,
  limits: true,
  logger: true,
};

const LIMITS: OptionNames<ConsoleLimits> = {
  requestsPerMinute: true,
  signInsPerMinute: true,
  bodyBytes: true,
  streams: true,
  streamsPerCaller: true,
};

function checkConsoleOptions(options: Partial<ConsoleOptions<unknown>> | undefined): void {
  checkOptions('createConsole', options as ConsoleOptions | undefined, OPTIONS);
  checkOptions('createConsole, limits', options?.limits, LIMITS);
  for (const name of ['store', 'realization', 'subscriptions'] as const) {
    if (typeof options?.[name] === 'object' && options[name] !== null) continue;
    throw new ConfigurationError(`createConsole: the option ${name} is missing`);
  }
  checkValues(options as ConsoleOptions<unknown>);
}

function checkValues({ sessionLifetimeMs, limits = {}, hosts }: ConsoleOptions<unknown>): void {
  if (sessionLifetimeMs !== undefined) checkDuration('createConsole: sessionLifetimeMs', sessionLifetimeMs);
  for (const [name, value] of Object.entries(limits))
    if (value !== undefined) checkCount(`createConsole: limits.${name}`, value);
  const areNames = hosts === undefined || (Array.isArray(hosts) && hosts.every((host) => typeof host === 'string'));
  if (!areNames) throw new ConfigurationError('createConsole: hosts must be a list of host names');
}

function makeParts(options: ConsoleOptions<unknown>): ConsoleParts {
  const store = internalsOf(options.store as never);
  const logger = options.logger ?? store.logger;
  return {
    store,
    logger,
    realization: options.realization as Realization<unknown>,
    subscriptions: options.subscriptions,
    runs: new ActionRuns(logger),
    mayAct: options.mayAct ?? (() => true),
  };
}

function makeSessionParts(options: ConsoleOptions<unknown>): SessionParts {
  const lifetimeMs = options.sessionLifetimeMs ?? HALF_A_DAY_MS;
  const sessions = new BrowserSessions(lifetimeMs);
  const { authorizer, contextOf } = options;
  const authenticate = isTokenAuthorizer(authorizer) ? (token: string) => authorizer.authenticate(token) : undefined;
  return {
    callers: { sessions, authenticate, contextOf },
    sessions,
    signInLinks: options.signInLinks as SignInLinks<unknown> | undefined,
    signInLimit: new MinuteLimit(options.limits?.signInsPerMinute ?? 20),
    lifetimeMs,
  };
}

const isTokenAuthorizer = (
  authorizer: Authorizer<unknown> | TokenAuthorizer<unknown> | undefined,
): authorizer is TokenAuthorizer<unknown> =>
  authorizer !== undefined && 'authenticate' in authorizer && typeof authorizer.authenticate === 'function';

/** All routes that `/openapi.json` describes. */
function documentedApi(options: ConsoleOptions<unknown>, parts: ConsoleParts, session: SessionParts) {
  const {
    bodyBytes = 1_048_576,
    streams = 2_000,
    streamsPerCaller = 20,
    requestsPerMinute = 1_200,
  } = options.limits ?? {};
  const openStreams = new OpenStreams({ all: streams, perCaller: streamsPerCaller });
  const api = makeRouter();
  api.use('/api/*', bodyLimit({ maxSize: bodyBytes, onError: () => refuseLarge(bodyBytes) }));
  api.use('/api/*', demandMethod(api));
  api.use('/api/*', demandJson);
  api.route('/api/v1', sessionApi(session));
  const signedIn = makeRouter();
  signedIn.use(identify(session.callers, parts));
  signedIn.use(
    limitRate(
      new MinuteLimit(requestsPerMinute),
      (context) => (context.get('caller') as ConsoleEnv['Variables']['caller']).id,
    ),
  );
  for (const part of [
    summaryApi(parts),
    activityApi(parts),
    resourcesApi(parts),
    resourceApi(parts),
    pointsApi(parts),
    changesApi(parts, openStreams),
    deadLettersApi(parts),
    subscriptionsApi(parts),
    tenantsApi(parts),
    actionsApi(parts),
  ]) {
    signedIn.route('/', part);
  }
  api.route('/api/v1', signedIn);
  api.all('/api/*', () => problemResponse(404, { detail: 'The API has nothing at this path; see /openapi.json.' }));
  addMetrics(api, options, session.callers, parts);
  api.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
  });
  api.openAPIRegistry.registerComponent('securitySchemes', 'session', {
    type: 'apiKey',
    in: 'cookie',
    name: SESSION_COOKIE,
    description:
      'From `POST /api/v1/session`, whose `csrfToken` requests with another method than GET send as `x-csrf-token`.',
  });
  api.doc31('/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Intendant console', version: '1', description: 'What is realized, what is stuck, and why.' },
    security: [{ bearer: [] }, { session: [] }],
  });
  return api;
}

function refuseLarge(bodyBytes: number): never {
  throw new RefusedRequest(413, `The body is larger than ${bodyBytes} bytes.`);
}

/** An HTML form of another site cannot send JSON. */
const demandJson = async (context: Context, next: () => Promise<void>): Promise<void> => {
  const isJson = /^application\/json\s*(;|$)/i.test(context.req.header('content-type') ?? '');
  if (context.req.method === 'POST' && !isJson) throw new RefusedRequest(415, 'Send application/json.');
  await next();
};

const identify =
  (callers: CallerParts, { store }: ConsoleParts) =>
  async (context: Context<ConsoleEnv>, next: () => Promise<void>): Promise<void> => {
    const caller = await readCaller(callers, context);
    const access = readAccess(store, caller.context);
    context.set('caller', { ...caller, id: limitedId(caller, access) });
    context.set('access', access);
    context.header('cache-control', 'no-store');
    await next();
  };

/** Behind a proxy all callers may have one address. Tenants and users must not use up the limits of others. */
const limitedId = ({ id, context }: Caller, { orgId }: Access): string =>
  JSON.stringify([id, orgId ?? null, subjectOf(context) ?? null]);

function addMetrics(
  api: ReturnType<typeof makeRouter>,
  { metrics, hasOpenMetrics = false }: ConsoleOptions<unknown>,
  callers: CallerParts,
  { store }: ConsoleParts,
): void {
  if (!metrics) return;
  api.get('/metrics', async (context) => {
    if (!hasOpenMetrics) demandService(readAccess(store, (await readCaller(callers, context)).context));
    return readMetrics(metrics);
  });
}

function logFailure({ logger }: ConsoleParts, error: unknown, context: Context): void {
  logger.error(
    { err: error, method: context.req.method, route: context.req.routePath },
    'a request to the console failed',
  );
}
