import { once } from 'node:events';
import { createServer } from 'node:http';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';

/** An identity provider for tests: it signs tokens and serves its keys over HTTP. */
export interface Issuer extends AsyncDisposable {
  /** The URL of the JWK set. */
  readonly jwksUrl: string;
  /** The JWK set itself. */
  readonly jwks: { keys: Record<string, unknown>[] };
  /** Number of times that the keys were fetched. */
  fetches: number;
  /** Returns a signed token with these claims. It expires in one hour, or at `expires`; with null it has no expiry. */
  token(
    claims: JWTPayload,
    options?: { expires?: number | string | null; audience?: string; issuer?: string },
  ): Promise<string>;
}

export const ISSUER = 'https://id.example.com/';
export const AUDIENCE = 'vms';

export async function startIssuer(): Promise<Issuer> {
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'first', alg: 'ES256', use: 'sig' }] };
  const server = createServer((_request, response) => {
    issuer.fetches++;
    response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  const issuer: Issuer = {
    jwksUrl: `http://127.0.0.1:${port}/jwks`,
    jwks,
    fetches: 0,
    token: (claims, { expires = '1h', audience = AUDIENCE, issuer: name = ISSUER } = {}) => {
      const token = new SignJWT(claims)
        .setProtectedHeader({ alg: 'ES256', kid: 'first' })
        .setIssuer(name)
        .setAudience(audience);
      if (expires !== null) token.setExpirationTime(expires);
      return token.sign(privateKey);
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return issuer;
}
