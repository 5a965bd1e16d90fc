// The playground, `npm run console`: a database, forty points, three tenants, and the console's page showing them.
import { ensurePage } from '@intendant/console/page-build';
import { startDevDatabase } from '@intendant/devdb';
import { createLogins } from './logins.ts';
import { serveConsole } from './serve-console.ts';
import { openService } from './service.ts';
import { startSubscribers } from './subscribers.ts';
import { Traffic } from './traffic.ts';
import { PlaygroundWorkers } from './workers.ts';

// The database server ends with this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => {
    console.log('\nThe playground is stopped.');
    process.exit(0);
  });
}

try {
  await play();
} catch (error) {
  console.error(`The playground cannot start: ${error instanceof Error ? error.message : error}`);
  process.exit(1);
}

async function play(): Promise<void> {
  const { PORT: port = '4000', PLAYGROUND_PACE_MS: paceMs = '1000' } = process.env;
  console.log('Starting a database, 40 enforcement points and the page …');
  const [database] = await Promise.all([startDevDatabase({ fsync: false }), ensurePage()]);
  const urls = await createLogins(await database.createDatabase('playground'));
  const service = await openService(urls);
  const workers = new PlaygroundWorkers(service.realization);
  await workers.start();
  await startSubscribers(service.subscriptions);
  const { links } = await serveConsole(service, Number(port));
  console.log('\nOpen the console; each link works once:\n');
  for (const [who, link] of Object.entries(links)) console.log(`  ${who.padEnd(12)} ${link}`);
  console.log('\nTo look at it from the command line, in a second terminal:\n');
  console.log(`  export DATABASE_URL='${urls.application}'`);
  console.log(`  export ADMIN_DATABASE_URL='${urls.admin}'`);
  console.log('  npm run -s intendant -- status\n\nCtrl-C ends everything.');
  const traffic = new Traffic(service.realization, Number(paceMs));
  await traffic.fill();
  traffic.start((error) => console.error(error instanceof Error ? error.message : error));
}
