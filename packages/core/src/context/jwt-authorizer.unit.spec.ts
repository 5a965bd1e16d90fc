import { generateKeyPair, SignJWT, UnsecuredJWT } from 'jose';
import { afterAll, describe, expect, test } from 'vitest';
import {
  ConfigurationError,
  ConnectionError,
  InvalidTokenError,
  JwtAuthorizer,
  MissingContextError,
  MissingOrgIdError,
} from '../index.ts';
import { AUDIENCE, ISSUER, startIssuer } from '../testing/issuer.ts';

const issuer = await startIssuer();
afterAll(() => issuer[Symbol.asyncDispose]());

const common = { issuer: ISSUER, audience: AUDIENCE };
const byUrl = new JwtAuthorizer({ ...common, jwks: issuer.jwksUrl });
const bySet = new JwtAuthorizer({ ...common, jwks: issuer.jwks });
const claims = { org_id: 'Coke', roles: ['tenant_admin'], instance_id: 'Americas', sub: 'ann' };

describe('a good token', () => {
  test.each([
    ['a URL', byUrl],
    ['a key set', bySet],
  ])('is verified by %s, and gives its context', async (_what, authorizer) => {
    const context = await authorizer.authenticate(await issuer.token(claims));
    expect(context).toMatchObject({
      orgId: 'Coke',
      roles: ['tenant_admin'],
      instanceId: 'Americas',
      claims: { sub: 'ann' },
    });
    expect(authorizer.orgId(context)).toBe('Coke');
    expect(authorizer.dbRole(context, ['vm'])).toBe('tenant_writer');
  });

  test('needs no fetch of keys once they are known', async () => {
    const authorizer = new JwtAuthorizer({ ...common, jwks: new URL(issuer.jwksUrl) });
    issuer.fetches = 0;
    for (let index = 0; index < 3; index++) await authorizer.authenticate(await issuer.token(claims));
    expect(issuer.fetches).toBe(1);
  });

  test('may use other claim names, as a whole or as a path, and its roles in one string', async () => {
    const authorizer = new JwtAuthorizer({
      ...common,
      jwks: issuer.jwks,
      claims: { orgId: 'https://example.com/org', roles: 'realm_access.roles', instanceId: 'where' },
    });
    const token = await issuer.token({
      'https://example.com/org': 'Pepsi',
      realm_access: { roles: 'auditor tenant_admin' },
      where: 'Europe',
    });
    expect(await authorizer.authenticate(token)).toMatchObject({
      orgId: 'Pepsi',
      roles: ['auditor', 'tenant_admin'],
      instanceId: 'Europe',
    });
  });

  test('without an org gives a context, in which the org is missing', async () => {
    const context = await bySet.authenticate(await issuer.token({ roles: ['tenant_admin'] }));
    expect(() => bySet.orgId(context)).toThrow(MissingOrgIdError);
  });
});

const other = await generateKeyPair('ES256');

describe('a bad token', () => {
  const secret = new TextEncoder().encode('a secret of thirty-two characters');
  const signed = (header: { alg: string; kid?: string }, key: Parameters<SignJWT['sign']>[0]) =>
    new SignJWT(claims)
      .setProtectedHeader(header)
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setExpirationTime('1h')
      .sign(key);
  const bad = {
    'that has expired': [() => issuer.token(claims, { expires: 1 }), 'ERR_JWT_EXPIRED'],
    'for another audience': [() => issuer.token(claims, { audience: 'others' }), 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
    'of another issuer': [
      () => issuer.token(claims, { issuer: 'https://evil.example' }),
      'ERR_JWT_CLAIM_VALIDATION_FAILED',
    ],
    'signed with another key': [
      () => signed({ alg: 'ES256', kid: 'first' }, other.privateKey),
      'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    ],
    'signed with a key nobody knows': [
      () => signed({ alg: 'ES256', kid: 'nobody' }, other.privateKey),
      'ERR_JWKS_NO_MATCHING_KEY',
    ],
    'signed with a shared secret': [() => signed({ alg: 'HS256', kid: 'first' }, secret), 'ERR_JOSE_ALG_NOT_ALLOWED'],
    'that is not signed': [
      async () => new UnsecuredJWT(claims).setIssuer(ISSUER).setAudience(AUDIENCE).setExpirationTime('1h').encode(),
      undefined,
    ],
    'whose content was changed': [
      async () => {
        const [header, , signature] = (await issuer.token(claims)).split('.');
        return `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
      },
      'ERR_JWS_SIGNATURE_VERIFICATION_FAILED',
    ],
    'that never expires': [() => issuer.token(claims, { expires: null }), 'ERR_JWT_CLAIM_VALIDATION_FAILED'],
    'whose org is a list': [() => issuer.token({ ...claims, org_id: ['Coke', 'Pepsi'] }), 'CLAIM_SHAPE'],
    'whose roles are objects': [() => issuer.token({ ...claims, roles: [{}] }), 'CLAIM_SHAPE'],
    'that is rubbish': [async () => 'secret-rubbish', undefined],
    'that is not a string': [async () => ({ toString: () => 'secret' }) as never, undefined],
    'that is empty': [async () => '', undefined],
  } as const;

  test.each(Object.entries(bad))('%s is one clear error, which does not show it', async (_what, [make, reason]) => {
    const token = await make();
    const error = await bySet.authenticate(token).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InvalidTokenError);
    const { message, details, cause, stack } = error as InvalidTokenError;
    if (reason) expect(details['reason']).toBe(reason);
    const shown = `${message} ${stack} ${JSON.stringify({ details, cause })}`;
    for (const part of String(token)
      .split('.')
      .filter((piece) => piece.length > 3))
      expect(shown).not.toContain(part);
    expect(shown).not.toContain('Pepsi');
  });

  test('does not come from a request without exactly one bearer token', async () => {
    for (const headers of [
      {},
      { authorization: 'Basic abc' },
      { authorization: ['Bearer a', 'Bearer b'] },
      new Headers(),
    ])
      await expect(bySet.authenticateHeaders(headers)).rejects.toThrow(InvalidTokenError);
    const good = await issuer.token(claims);
    expect(await bySet.authenticateHeaders({ Authorization: `bearer ${good}` })).toMatchObject({ orgId: 'Coke' });
  });
});

test('a context that was not verified is refused, however it looks', async () => {
  const verified = await bySet.authenticate(await issuer.token(claims));
  for (const forged of [
    { ...verified },
    structuredClone(verified),
    { orgId: 'Coke', roles: ['service_admin'] },
    undefined,
    'token',
  ])
    expect(() => bySet.dbRole(forged as never, ['vm'])).toThrow(MissingContextError);
  expect(() => byUrl.orgId(verified)).toThrow(MissingContextError);
});

test("keys that cannot be fetched are a retryable error, and not the token's fault", async () => {
  const unreachable = new JwtAuthorizer({ ...common, jwks: 'http://127.0.0.1:1/jwks' });
  const attempt = unreachable.authenticate(await issuer.token(claims));
  await expect(attempt).rejects.toThrow(ConnectionError);
  await expect(attempt).rejects.toMatchObject({ retryable: true });
});

test.each([
  ['no keys', { ...common, jwks: undefined }],
  ['keys that are none', { ...common, jwks: { keys: 'x' } }],
  ['a URL of another protocol', { ...common, jwks: 'not a url' }],
  ['a URL of a file', { ...common, jwks: 'file:///etc/passwd' }],
  ['no issuer', { jwks: issuer.jwks, audience: AUDIENCE }],
  ['an empty audience', { jwks: issuer.jwks, issuer: ISSUER, audience: '' }],
])('%s: a ConfigurationError at once', (_what, options) => {
  expect(() => new JwtAuthorizer(options as never)).toThrow(ConfigurationError);
});
