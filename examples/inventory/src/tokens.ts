import { JwtAuthorizer } from '@intendant/core';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

const ISSUER = 'https://id.example.com/';
const AUDIENCE = 'inventory';

/**
 * An identity provider inside the process. A real service uses an external one, and passes the address of its JWKS to
 * JwtAuthorizer.
 */
export interface IdentityProvider {
  readonly authorizer: JwtAuthorizer;
  /** A token for a tenant's user. `expiresIn` is a time span such as `2h`. */
  token(orgId: string, role: 'tenant_admin' | 'tenant_auditor', expiresIn?: string): Promise<string>;
}

export async function createIdentityProvider(): Promise<IdentityProvider> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'example', alg: 'ES256', use: 'sig' }] };
  return {
    authorizer: new JwtAuthorizer({ jwks, issuer: ISSUER, audience: AUDIENCE }),
    token: (orgId, role, expiresIn = '2h') =>
      new SignJWT({ org_id: orgId, roles: [role] })
        .setProtectedHeader({ alg: 'ES256', kid: 'example' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setExpirationTime(expiresIn)
        .sign(privateKey),
  };
}
