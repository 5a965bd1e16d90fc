import { citus, createDataStore, type DataStore, defineTable, JwtAuthorizer, type JwtContext } from '@intendant/core';
import { isOnCitus, type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import { createRealization, type Realization } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import type { Hono } from 'hono';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import { type Logger, pino } from 'pino';
import { z } from 'zod';
import { type ConsoleOptions, createConsole, SignInLinks } from '../index.ts';

export const vm = defineTable('vm', {
  schema: z.object({ id: z.string(), name: z.string(), region: z.string(), cpus: z.int() }),
});

export const route = defineTable('route', {
  schema: z.object({ zone: z.string(), port: z.int(), target: z.string() }),
  key: ['zone', 'port'],
});

const ROLES = {
  tenant_admin: 'tenant_writer',
  tenant_auditor: 'tenant_reader',
  service_admin: 'writer',
  service_auditor: 'reader',
} as const;

const ISSUER = 'https://id.example.com/';

export interface TokenOptions {
  readonly orgId?: string;
  readonly roles: readonly string[];
  readonly expiresIn?: string;
}

/** A console on its own database, called without a network. */
export interface ConsoleFixture extends AsyncDisposable {
  readonly app: Hono;
  readonly database: TestDatabase;
  readonly store: DataStore<JwtContext>;
  readonly realization: Realization<JwtContext>;
  readonly subscriptions: Subscriptions;
  readonly signInLinks: SignInLinks<JwtContext>;
  /** The log, line by line. */
  readonly logged: Record<string, unknown>[];
  token(options: TokenOptions): Promise<string>;
  context(options: TokenOptions): Promise<JwtContext>;
}

export interface ConsoleFixtureOptions {
  readonly console?: Partial<ConsoleOptions<JwtContext>>;
  /** The database. Default: a new one, which is dropped at the end. */
  readonly database?: TestDatabase;
  /** The URL that the store connects to, e.g. a proxy's. Default: the database itself. */
  readonly connectionOf?: (database: TestDatabase) => string | Promise<string>;
}

export async function openConsole({
  console: given = {},
  database: givenDatabase,
  connectionOf,
}: ConsoleFixtureOptions = {}): Promise<ConsoleFixture> {
  const database = givenDatabase ?? (await testDatabase());
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), alg: 'ES256', kid: 'own' }] };
  const authorizer = new JwtAuthorizer({ jwks, issuer: ISSUER, audience: 'console' });
  const { logger, logged } = collectingLogger();
  const store = await createDataStore({
    connection: (await connectionOf?.(database)) ?? database.url,
    adminConnection: database.adminUrl,
    authorizer,
    logger,
    ...(isOnCitus() && { distribution: citus() }),
  });
  const subscriptions = await createSubscriptions({
    store,
    records: [vm],
    source: isOnCitus() ? 'replication' : 'triggers',
  });
  const realization = await createRealization({ store, subscriptions });
  await realization.register<typeof vm | typeof route>([vm, route], { roles: ROLES });
  const signInLinks = new SignInLinks<JwtContext>();
  const app = createConsole({ store, realization, subscriptions, authorizer, signInLinks, ...given });
  const token = ({ orgId, roles, expiresIn = '1h' }: TokenOptions) =>
    new SignJWT({ roles, ...(orgId !== undefined && { org_id: orgId }) })
      .setProtectedHeader({ alg: 'ES256', kid: 'own' })
      .setIssuer(ISSUER)
      .setAudience('console')
      .setSubject(`${orgId ?? 'service'}/${roles.join('+')}`)
      .setExpirationTime(expiresIn)
      .sign(privateKey);
  return {
    app,
    database,
    store,
    realization,
    subscriptions,
    signInLinks,
    logged,
    token,
    context: async (options) => authorizer.authenticate(await token(options)),
    async [Symbol.asyncDispose]() {
      await realization.close();
      await subscriptions.close();
      await store.close();
      if (!givenDatabase) await database.drop();
    },
  };
}

function collectingLogger(): { logger: Logger; logged: Record<string, unknown>[] } {
  const logged: Record<string, unknown>[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void logged.push(JSON.parse(line)) });
  return { logger, logged };
}
