import { createLocalJWKSet, createRemoteJWKSet, errors, type JWTVerifyGetKey } from 'jose';
import { ConfigurationError, ConnectionError, IntendantError, InvalidTokenError } from '../error/intendant-error.ts';

/** A JSON Web Key Set. https://www.rfc-editor.org/rfc/rfc7517#section-5 */
export interface KeySet {
  readonly keys: readonly Readonly<Record<string, unknown>>[];
}

/** Finds the key that a token names. Throws InvalidTokenError, ConnectionError. */
export type KeySource = JWTVerifyGetKey;

/** Makes the look-up of keys at a URL, or of the given keys. Throws ConfigurationError. */
export function keySource(jwks: string | URL | KeySet): KeySource {
  const find = typeof jwks === 'string' || jwks instanceof URL ? createRemoteJWKSet(readUrl(jwks)) : readKeySet(jwks);
  return async (header, token) => {
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

function readKeySet(jwks: KeySet): KeySource {
  try {
    return createLocalJWKSet(jwks as Parameters<typeof createLocalJWKSet>[0]);
  } catch (cause) {
    throw new ConfigurationError('JwtAuthorizer: jwks must be a URL, or a key set { keys: […] }', { cause });
  }
}

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
