import type { Authorizer, DataStore, MetadataContext } from '@intendant/core';
import type { Realization } from '@intendant/realization';
import type { Subscriptions } from '@intendant/subscription';
import type { Logger } from 'pino';
import type { SignInLinks } from './caller/sign-in-links.ts';

/** An authorizer that also verifies bearer tokens, as `JwtAuthorizer` does. */
export interface TokenAuthorizer<C> extends Authorizer<C> {
  /** Verifies a bearer token and returns its context. Throws InvalidTokenError. */
  authenticate(token: string): Promise<C>;
}

/** What fills `/metrics`: the shape of prom-client's `Registry`. */
export interface MetricsSource {
  /** The `content-type` of the response. */
  readonly contentType: string;
  /** Returns the metrics as text. */
  metrics(): Promise<string>;
}

/** Limits that protect the process. Requests beyond them are refused with 429, larger bodies with 413. */
export interface ConsoleLimits {
  /** Requests of one caller in a minute. Default 1,200. */
  readonly requestsPerMinute?: number;
  /** Attempts to sign in from one address in a minute. Default 20. */
  readonly signInsPerMinute?: number;
  /** The largest request body, in bytes. Default 1 MiB. */
  readonly bodyBytes?: number;
  /** Live streams open at once, in this process. Default 2,000. */
  readonly streams?: number;
  /** Live streams of one caller open at once. Default 20. */
  readonly streamsPerCaller?: number;
}

/** Options of `createConsole`. */
export interface ConsoleOptions<C = MetadataContext> {
  /** The data store whose tables the console shows. */
  readonly store: DataStore<C>;
  /** The realization of the same store: statuses, points and jobs. */
  readonly realization: Realization<C>;
  /** The change feed of the same store: live pages and dead letters. */
  readonly subscriptions: Subscriptions;
  /**
   * The store's authorizer. If it verifies tokens (`JwtAuthorizer` does), callers sign in with a bearer token, or open a
   * session of the page with one. What a caller may see and do is decided by the store and its row security alone.
   */
  readonly authorizer?: Authorizer<C> | TokenAuthorizer<C>;
  /** One-time links into the page, for a console without tokens. Default: none work. */
  readonly signInLinks?: SignInLinks<C>;
  /**
   * Returns the context of a request that the surrounding service has authenticated, e.g. by its own session. Called if
   * a request has neither a token nor a session of the page. Return undefined for an unauthenticated request. Default:
   * none.
   */
  readonly contextOf?: (request: Request) => C | undefined | Promise<C | undefined>;
  /**
   * Whether a caller with the right to write in the database may take this action. Default: yes. A caller without that
   * right is always refused.
   */
  readonly mayAct?: (context: C, action: string) => boolean;
  /** What `/metrics` returns. Default: `/metrics` does not exist. */
  readonly metrics?: MetricsSource;
  /** True: `/metrics` requires no sign-in. Default false: it requires a caller who may see all tenants. */
  readonly hasOpenMetrics?: boolean;
  /** How long a browser stays signed in, in milliseconds; a token's own expiry ends it earlier. Default 12 hours. */
  readonly sessionLifetimeMs?: number;
  /**
   * The path where the console is mounted, if the surrounding service removes it from requests. Default: the path of
   * the route, which works with `app.route(path, console)`.
   */
  readonly basePath?: string;
  /**
   * Host names, without a port, under which the console is reached, e.g. `['localhost', '127.0.0.1']`. Requests for
   * other hosts are refused with 421: for a console on the user's own machine, which other sites could reach through
   * the user's browser. Default: every host.
   */
  readonly hosts?: readonly string[];
  /** Limits on requests, body size and live streams. Default: those of `ConsoleLimits`. */
  readonly limits?: ConsoleLimits;
  /** Default: the store's. */
  readonly logger?: Logger;
}
