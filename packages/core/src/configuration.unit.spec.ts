import { describe, expect, test } from 'vitest';
import { ConfigurationError, connectionFromEnvironment, createDataStore } from './index.ts';

const whole = {
  DB_HOST: 'db.example.com',
  DB_PORT: '5433',
  DB_NAME: 'vms',
  DB_ADMIN_USERNAME: 'admin',
  DB_ADMIN_PASSWORD: 'hunter2',
  SSL_MODE: 'disable',
};
const NAMES = Object.keys(whole);

describe('a connection from the environment', () => {
  test('is read from six variables', () => {
    expect(connectionFromEnvironment(whole)).toEqual({
      host: 'db.example.com',
      port: 5433,
      database: 'vms',
      user: 'admin',
      password: 'hunter2',
      ssl: false,
    });
  });

  test('is read from one URL, which has precedence', () => {
    const url = 'postgres://admin:hunter2@db.example.com/vms';
    expect(connectionFromEnvironment({ ...whole, DATABASE_URL: url })).toEqual({ connectionString: url });
    expect(connectionFromEnvironment({ DATABASE_URL: url })).toEqual({ connectionString: url });
  });

  test.each(NAMES)('without %s is refused by that name', (name) => {
    const { [name as 'DB_HOST']: _missing, ...rest } = whole;
    expect(() => connectionFromEnvironment(rest)).toThrow(ConfigurationError);
    expect(() => connectionFromEnvironment(rest)).toThrow(name);
  });

  test.each(['DATABASE_URL', ...NAMES])('with a blank %s is refused by that name, without the password', (name) => {
    for (const blank of ['', '    ']) {
      const attempt = () => connectionFromEnvironment({ ...whole, [name]: blank });
      expect(attempt).toThrow(name);
      expect(attempt).not.toThrow(/hunter2/);
    }
  });

  test.each(['0', '65536', '-1', '5432x', '5e3', '5432.5', 'postgres'])('with the port %s is refused', (port) => {
    expect(() => connectionFromEnvironment({ ...whole, DB_PORT: port })).toThrow(/DB_PORT is not a port number/);
  });

  test('knows the modes of TLS, and no other', () => {
    expect(connectionFromEnvironment({ ...whole, SSL_MODE: 'require' }).ssl).toEqual({ rejectUnauthorized: false });
    expect(connectionFromEnvironment({ ...whole, SSL_MODE: 'verify-full' }).ssl).toEqual({ rejectUnauthorized: true });
    expect(() => connectionFromEnvironment({ ...whole, SSL_MODE: 'sometimes' })).toThrow(/SSL_MODE/);
  });
});

test.each([
  ['nothing', undefined],
  ['an empty one', ''],
  ['no URL', 'secret-host'],
  ['another protocol', 'mysql://root:hunter2@localhost/x'],
])('a connection that is %s is refused at once, and never shown', async (_what, connection) => {
  const error = (await createDataStore({ connection } as never).catch((thrown: unknown) => thrown)) as Error;
  expect(error).toBeInstanceOf(ConfigurationError);
  expect(error.message).toMatch(/connection/);
  expect(error.message).not.toMatch(/hunter2|secret-host/);
});
