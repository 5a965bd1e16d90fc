import { join, relative } from 'node:path';
import type { DevDatabase } from '@intendant/devdb';
import { type Cast, openCast } from './cast.ts';
import { cleanSlate } from './clean-slate.ts';
import { desiredToRealized } from './desired-to-realized.ts';
import { Findings } from './findings.ts';
import { Resources } from './resources.ts';
import { openService, type Service } from './service.ts';
import type { DemoSettings } from './settings.ts';
import { say, title } from './terminal.ts';
import { whoSeesWhat } from './who-sees-what.ts';

/** Runs both flows on real processes, on a database that is still starting. Returns whether every observation was as expected. */
export async function runDemo(settings: DemoSettings, starting: Promise<DevDatabase>): Promise<boolean> {
  const resources = new Resources();
  try {
    const findings = await perform(settings, starting, resources);
    title('Who saw what');
    console.log(`${findings.table()}\n`);
    console.log(`What the workers did is recorded in ${history(settings)} and in the same file of E2.`);
    return findings.areAsExpected;
  } finally {
    await resources.close();
  }
}

async function perform(
  settings: DemoSettings,
  starting: Promise<DevDatabase>,
  resources: Resources,
): Promise<Findings> {
  // The processes load their modules while the database starts, and are told its address when it is ready.
  const cast = resources.use(await openCast(settings));
  cast.start();
  const database = resources.use(await starting);
  say('database', `is ready: ${origin(database)}`);
  const service = resources.use(await openService(database.url));
  const from = await cleanSlate(service);
  say('T0', 'is ready: tables, roles, row security, change feed');
  resources.use(cast); // Stopped first, before what it needs.
  cast.instruct({ DATABASE_URL: database.url, SUBSCRIBE_FROM: from });
  const findings = new Findings();
  await Promise.race([play(service, cast, findings), cast.failed]);
  return findings;
}

async function play({ store, realization }: Service, cast: Cast, findings: Findings): Promise<void> {
  title('1. One id, three callers, three machines');
  await Promise.all([cast.ready(), whoSeesWhat(store, findings)]);
  title('2. From desired to realized, and away again');
  await desiredToRealized({ realization, findings, ...cast });
}

const origin = ({ dataDir }: DevDatabase): string =>
  dataDir === undefined ? 'the one that DATABASE_URL names' : 'a Postgres 18 just for this run';

const history = ({ folderPath }: DemoSettings): string => join(relative('.', folderPath), 'E1', 'history.txt');
