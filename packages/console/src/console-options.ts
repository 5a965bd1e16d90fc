import type { Authorizer, DataStore, MetadataContext } from '@intendant/core';
import type { Realization } from '@intendant/realization';
import type { Subscriptions } from '@intendant/subscription';
import type { Logger } from 'pino';
import type { SignInLinks } from './caller/sign-in-links.ts';

/** An authorizer that also verifies bearer tokens, as `JwtAuthorizer` does. */
export interface TokenAuthorizer<C> extends Authorizer<C> {
  authenticate(token: string): Promise<C>;
}

/** What fills `/metrics`: the shape of prom-client's `Registry`. */
export interface MetricsSource {
  readonly contentType: string;
  metrics(): Promise<string>;
}

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

export interface ConsoleOptions<C = MetadataContext> {
  readonly store: DataStore<C>;
  readonly realization: Realization<C>;
  readonly subscriptions: Subscriptions;
  /**
   * The store's authorizer. If it verifies tokens (`JwtAuthorizer` does), callers sign in with a bearer token, or open a
   * session of the page with one. What a caller may see and do is decided by the store and its row security alone.
   */
  readonly authorizer?: Authorizer<C> | TokenAuthorizer<C>;
  /** One-time links into the page, for a console without tokens. Default: none work. */
  readonly signInLinks?: SignInLinks<C>;
  /**
   * The context of a request that the surrounding service has authenticated, e.g. by its own session. Asked when a request
   * carries neither a token nor a session of the page. Return undefined for a request of nobody. Default: none.
   */
  readonly contextOf?: (request: Request) => C | undefined | Promise<C | undefined>;
  /**
   * May a caller, who has the right to write in the database, take this action? Default: yes. A caller without that right
   * is always refused.
   */
  readonly mayAct?: (context: C, action: string) => boolean;
  /** What `/metrics` shows. Default: `/metrics` is not there. */
  readonly metrics?: MetricsSource;
  /** True: `/metrics` asks for no sign-in. Default false: it asks for a caller who may see all tenants. */
  readonly hasOpenMetrics?: boolean;
  /** How long a browser stays signed in, in milliseconds; a token's own expiry ends it earlier. Default 12 hours. */
  readonly sessionLifetimeMs?: number;
  /**
   * The path where the console is mounted, when the surrounding service strips it from requests. Default: found out from
   * the route, which works with `app.route(path, console)`.
   */
  readonly basePath?: string;
  readonly limits?: ConsoleLimits;
  /** Default: the store's. */
  readonly logger?: Logger;
}
