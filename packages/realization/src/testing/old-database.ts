import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { DB_ROLES } from '@intendant/core';
import { type TestDatabase, testDatabase } from '@intendant/devdb/testing';
import pg from 'pg';

/** A dump of the database `upgraded`, made with the code of git 918aa9d. The names of its roles contain this name. */
const DUMP = new URL('./database-918aa9d.sql.gz', import.meta.url);
const DUMPED_NAME = 'upgraded';

/** A database as the code of git 918aa9d left it, with that code's roles and rights. */
export async function oldDatabase(): Promise<TestDatabase> {
  const database = await testDatabase();
  const roles = DB_ROLES.map((role) => `intendant_${database.name}_${role}`);
  const dump = gunzipSync(readFileSync(DUMP)).toString().replaceAll(DUMPED_NAME, database.name);
  const admin = new pg.Client(database.adminUrl);
  await admin.connect();
  try {
    for (const role of roles) await admin.query(`create role ${role} nologin noinherit`);
    await admin.query(`grant ${roles.join(', ')} to app_${database.name}`);
    await admin.query(dump);
  } finally {
    await admin.end();
  }
  return database;
}
