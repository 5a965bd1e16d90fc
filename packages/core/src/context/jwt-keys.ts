import type { JSONWebKeySet, JWTVerifyGetKey } from 'jose';
import { ConfigurationError, ConnectionError, IntendantError, InvalidTokenError } from '../error/intendant-error.ts';

/** A JSON Web Key Set. https://www.rfc-editor.org/rfc/rfc7517#section-5 */
export interface KeySet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** Finds the key that a token names. Throws InvalidTokenError, ConnectionError. */
export type KeySource = JWTVerifyGetKey;

/**
 * Returns the look-up of keys at a URL, or among the given keys. The library is loaded at the first look-up, because most
 * processes verify no token. Throws ConfigurationError.
 */
export function keySource(jwks: string | URL | KeySet): KeySource {
  const keys = typeof jwks === 'string' || jwks instanceof URL ? readUrl(jwks) : readKeySet(jwks);
  let find: KeySource | undefined;
  return async (header, token) => {
    const { createLocalJWKSet, createRemoteJWKSet, errors } = await import('jose');
    find ??= keys instanceof URL ? createRemoteJWKSet(keys) : createLocalJWKSet(keys);
    try {
      return await find(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
        throw asTokenError(error);
      if (error instanceof errors.JOSENotSupported) throw asTokenError(error);
      throw new ConnectionError("the issuer's keys cannot be fetched; retry, and check the URL given as jwks", {
        cause: error,
      });
    }
  };
}

function readUrl(url: string | URL): URL {
  if (!URL.canParse(String(url))) throw new ConfigurationError('JwtAuthorizer: jwks is not a URL');
  const parsed = new URL(url);
  if (parsed.protocol === 'https:' || parsed.protocol === 'http:') return parsed;
  throw new ConfigurationError('JwtAuthorizer: jwks must be an https URL, or a key set');
}

function readKeySet(jwks: KeySet): JSONWebKeySet {
  try {
    // Copied, so that a later change of the caller's object changes no key.
    const { keys } = structuredClone(jwks) as JSONWebKeySet;
    if (keys.every((key) => typeof key === 'object' && key !== null)) return { keys };
  } catch (cause) {
    throw wrongKeySet({ cause });
  }
  throw wrongKeySet();
}

const wrongKeySet = (options?: ErrorOptions): ConfigurationError =>
  new ConfigurationError('JwtAuthorizer: jwks must be a URL, or a key set { keys: […] }', options);

/** The reason by error code, because the message of the library's error could contain parts of the token. */
const REASONS: Readonly<Record<string, string>> = {
  ERR_JWT_EXPIRED: 'it has expired',
  ERR_JWS_SIGNATURE_VERIFICATION_FAILED: 'its signature is wrong',
  ERR_JWKS_NO_MATCHING_KEY: 'it was not signed by a key of the issuer',
  ERR_JWKS_MULTIPLE_MATCHING_KEYS: 'it does not say which key it was signed with',
  ERR_JOSE_ALG_NOT_ALLOWED: 'its signature algorithm is not accepted',
  ERR_JOSE_NOT_SUPPORTED: 'its signature algorithm is not accepted',
};

/** The error for a token that is not accepted. It contains neither the token nor its claims. */
export function asTokenError(error: unknown): Error {
  if (error instanceof IntendantError) return error;
  const { code = 'ERR_JWT_INVALID', claim } = error as { code?: string; claim?: string };
  const isClaim = code === 'ERR_JWT_CLAIM_VALIDATION_FAILED';
  const reason =
    REASONS[code] ?? (isClaim ? `its claim ${claim} is missing or not what it must be` : 'it is malformed');
  return new InvalidTokenError(`the token is not accepted: ${reason}`, {
    details: { reason: code, ...(claim !== undefined && { claim }) },
  });
}
