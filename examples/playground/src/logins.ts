import { randomBytes } from 'node:crypto';
import pg from 'pg';

/** Two URLs of one database. */
export interface Logins {
  /** A login without rights of its own, so row security applies to it. */
  readonly application: string;
  readonly admin: string;
}

const LOGIN = 'playground_application';

/** Creates the login of the service, with a new password. */
export async function createLogins(adminUrl: string): Promise<Logins> {
  const password = randomBytes(12).toString('hex');
  const admin = new pg.Client(adminUrl);
  await admin.connect();
  try {
    const { rowCount } = await admin.query('select from pg_roles where rolname = $1', [LOGIN]);
    const verb = rowCount === 0 ? 'create' : 'alter';
    await admin.query(`${verb} role ${LOGIN} login noinherit password ${pg.escapeLiteral(password)}`);
  } finally {
    await admin.end();
  }
  return { application: urlOf(adminUrl, LOGIN, password), admin: adminUrl };
}

function urlOf(adminUrl: string, login: string, password: string): string {
  const url = new URL(adminUrl);
  url.username = login;
  url.password = password;
  return url.href;
}
