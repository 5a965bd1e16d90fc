import type { JWTPayload, JWTVerifyOptions } from 'jose';
import {
  ConfigurationError,
  InvalidTokenError,
  MissingContextError,
  MissingOrgIdError,
} from '../error/intendant-error.ts';
import { checkOptions, type OptionNames } from '../option/check-options.ts';
import type { Authorizer, RoleMapping } from './authorizer.ts';
import { readContextId } from './context-id.ts';
import type { DbRole } from './db-role.ts';
import { asTokenError, type KeySet, type KeySource, keySource } from './jwt-keys.ts';
import { headerReader, type RequestHeaders } from './metadata-adapters.ts';
import { MetadataAuthorizer, type MetadataContext } from './metadata-authorizer.ts';

/** The claims that contain the context. A name is first looked up as a whole, then as a path: `realm_access.roles`. */
export interface JwtClaimNames {
  /** Default `org_id`. */
  readonly orgId?: string;
  /** The claim is a list of strings, or one string separated by spaces. Default `roles`. */
  readonly roles?: string;
  /** Default `instance_id`. */
  readonly instanceId?: string;
}

/** Options of `JwtAuthorizer`. */
export interface JwtAuthorizerOptions {
  /** The issuer's public keys: the URL of a JWK set, or the set itself. The URL is fetched at first use and when a token names an unknown key. */
  readonly jwks: string | URL | KeySet;
  /** The accepted value of the claim `iss`, or a list of accepted values. */
  readonly issuer: string | readonly string[];
  /** The accepted value of the claim `aud`, or a list of accepted values. */
  readonly audience: string | readonly string[];
  /** Names of the claims with org, roles and instance. Default `org_id`, `roles`, `instance_id`. */
  readonly claims?: JwtClaimNames;
  /** The accepted signature algorithms. Default: those with a public key, e.g. RS256, PS256, ES256, EdDSA. */
  readonly algorithms?: readonly string[];
  /** Accepted difference between this machine's clock and the issuer's, in seconds. Default 0. */
  readonly clockToleranceSeconds?: number;
  /**
   * Returns whether the token with these claims was revoked. Called when a token is verified, and repeatedly while a stream
   * of the caller is open. Default: no token is revoked.
   */
  readonly isRevoked?: (claims: Readonly<Record<string, unknown>>) => boolean | Promise<boolean>;
}

/** The context of a caller whose token was verified. */
export interface JwtContext extends MetadataContext {
  /** All claims of the token. */
  readonly claims: Readonly<Record<string, unknown>>;
}

const JWT_OPTIONS: OptionNames<JwtAuthorizerOptions> = {
  jwks: true,
  issuer: true,
  audience: true,
  claims: true,
  algorithms: true,
  clockToleranceSeconds: true,
  isRevoked: true,
};

const CLAIM_NAMES: OptionNames<JwtClaimNames> = { orgId: true, roles: true, instanceId: true };

const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

/**
 * Derives the context from a signed token. Verification may fetch keys, so `authenticate` does it once per request;
 * sessions of the returned context make no further calls. A context that `authenticate` did not make is refused, so a
 * plain object never passes as a verified caller.
 *
 * ```ts
 * const authorizer = new JwtAuthorizer({ jwks: 'https://id.example.com/jwks', issuer: 'https://id.example.com/', audience: 'vms' });
 * const store = await createDataStore({ connection, authorizer });
 * const session = store.as(await authorizer.authenticate(token));
 * ```
 */
export class JwtAuthorizer implements Authorizer<JwtContext> {
  readonly #keys: KeySource;
  readonly #verifyOptions: JWTVerifyOptions;
  readonly #claims: Required<JwtClaimNames>;
  readonly #isRevoked: NonNullable<JwtAuthorizerOptions['isRevoked']>;
  readonly #verified = new WeakSet<object>();
  readonly #metadata = new MetadataAuthorizer();

  /** Throws ConfigurationError for an option that is missing, wrong or unknown. */
  constructor(options: JwtAuthorizerOptions) {
    checkOptions('JwtAuthorizer', options, JWT_OPTIONS);
    checkOptions('JwtAuthorizer, claims', options?.claims, CLAIM_NAMES);
    this.#keys = keySource(options?.jwks);
    this.#verifyOptions = {
      issuer: readNames('issuer', options.issuer),
      audience: readNames('audience', options.audience),
      algorithms: [...(options.algorithms ?? PUBLIC_KEY_ALGORITHMS)],
      clockTolerance: options.clockToleranceSeconds ?? 0,
      requiredClaims: ['exp'],
    };
    this.#isRevoked = options.isRevoked ?? (() => false);
    this.#claims = { orgId: 'org_id', roles: 'roles', instanceId: 'instance_id', ...options.claims };
  }

  /**
   * Verifies the token's signature, issuer, audience and expiry, and returns its context. Throws InvalidTokenError, which
   * never contains the token, and ConnectionError when the issuer's keys cannot be fetched.
   */
  async authenticate(token: string): Promise<JwtContext> {
    if (typeof token !== 'string' || token === '') throw new InvalidTokenError('no token; send Authorization: Bearer');
    const context = this.#readContext(await this.#verify(token));
    if (await this.#isRevoked(context.claims)) throw new InvalidTokenError('the token was revoked');
    this.#verified.add(context);
    return context;
  }

  /**
   * Returns a context without a token, for the service's own work: background jobs, migrations, tests. It has these roles in
   * this org, no claims, and does not expire. Never make it from a caller's input.
   */
  trustedContext(context: MetadataContext): JwtContext {
    const trusted: JwtContext = Object.freeze({ ...context, claims: Object.freeze({}) });
    this.#verified.add(trusted);
    return trusted;
  }

  /** Returns when the token expires, including the clock tolerance; undefined for a trusted context. */
  expiresAt(context: JwtContext): Date | undefined {
    const { exp } = this.#checked(context).claims;
    const toleranceSeconds = Number(this.#verifyOptions.clockTolerance ?? 0);
    return typeof exp === 'number' ? new Date((exp + toleranceSeconds) * 1_000) : undefined;
  }

  /** Returns false if the option `isRevoked` says that the token was revoked. */
  async isValid(context: JwtContext): Promise<boolean> {
    return !(await this.#isRevoked(this.#checked(context).claims));
  }

  /** As `authenticate`, with the bearer token of a request's headers (fetch `Headers`, or Node's plain object). */
  async authenticateHeaders(headers: RequestHeaders): Promise<JwtContext> {
    const value = [headerReader(headers)('authorization') ?? []].flat();
    const [, token] = (value.length === 1 && /^Bearer +(\S+)$/i.exec(value[0] as string)) || [];
    return this.authenticate(token ?? '');
  }

  /** Returns the org of the context. Throws MissingOrgIdError if the token has no org. */
  orgId(context: JwtContext): string {
    const orgId = readContextId('orgId', this.#checked(context).orgId);
    if (orgId === undefined) throw new MissingOrgIdError(`the token names no org (claim ${this.#claims.orgId})`);
    return orgId;
  }

  /**
   * Returns the database role of the context on these tables. For a table without a role mapping, the last role of the
   * context decides, as with `MetadataAuthorizer`.
   */
  dbRole(context: JwtContext, tables: readonly string[]): DbRole {
    return this.#metadata.dbRole(this.#checked(context), tables);
  }

  /** Sets the role mapping of a table. The store calls it when the table is registered. */
  configure(table: string, roles: RoleMapping): void {
    this.#metadata.configure(table, roles);
  }

  #checked(context: JwtContext): JwtContext {
    if (typeof context === 'object' && context !== null && this.#verified.has(context)) return context;
    throw new MissingContextError('this context was not verified; pass the result of authorizer.authenticate(token)');
  }

  async #verify(token: string): Promise<JWTPayload> {
    const { jwtVerify } = await import('jose');
    try {
      return (await jwtVerify(token, this.#keys, this.#verifyOptions)).payload;
    } catch (error) {
      throw asTokenError(error);
    }
  }

  #readContext(payload: JWTPayload): JwtContext {
    const text = (claim: string): string | undefined => {
      const value = claimOf(payload, claim);
      if (value === undefined || value === null) return undefined;
      if (typeof value !== 'string') throw wrongClaim(claim, 'a string');
      return value;
    };
    return Object.freeze({
      orgId: text(this.#claims.orgId),
      roles: readRoles(this.#claims.roles, claimOf(payload, this.#claims.roles)),
      instanceId: text(this.#claims.instanceId),
      claims: payload,
    });
  }
}

function readNames(option: string, value: string | readonly string[] | undefined): string[] {
  const names = [value ?? []].flat();
  if (names.length > 0 && names.every((name) => typeof name === 'string' && name !== '')) return names;
  throw new ConfigurationError(`JwtAuthorizer: ${option} must be a string or a list of strings, and none may be empty`);
}

function claimOf(payload: JWTPayload, name: string): unknown {
  if (Object.hasOwn(payload, name)) return payload[name];
  return name
    .split('.')
    .reduce<unknown>(
      (value, part) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, part)
          ? (value as Record<string, unknown>)[part]
          : undefined,
      payload,
    );
}

function readRoles(claim: string, value: unknown): readonly string[] {
  if (value === undefined || value === null) return [];
  if (typeof value === 'string') return value.split(' ').filter((role) => role !== '');
  if (Array.isArray(value) && value.every((role) => typeof role === 'string')) return value;
  throw wrongClaim(claim, 'a list of strings');
}

const wrongClaim = (claim: string, shape: string): InvalidTokenError =>
  new InvalidTokenError(`the token's claim ${claim} must be ${shape}`, { details: { reason: 'CLAIM_SHAPE', claim } });
