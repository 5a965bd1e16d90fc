// A process that follows the feed and prints each change: `node src/subscriber.ts`.
import { statusName } from '@intendant/realization';
import type { Change } from '@intendant/subscription';
import { instructed, tell } from './actor-message.ts';
import { runActor } from './run-actor.ts';
import { openService } from './service.ts';
import { readSubscriberSettings } from './settings.ts';
import { policy } from './tables.ts';

await runActor(async (resources) => {
  const { databaseUrl, from } = readSubscriberSettings(await instructed());
  const { subscriptions } = resources.use(await openService(databaseUrl));
  const follow = async (table: string, hear: (change: Change) => void) =>
    resources.use(await subscriptions.subscribe(table, hear, { from }));
  await follow(policy.name, ({ key, operation, revision }) =>
    report(String(key['id']), `${operation} revision ${revision}`),
  );
  // Status tables can be followed like other tables.
  await follow('enforcement_status_policy', ({ key, record }) =>
    report(`${key['id']} at ${key['enforcement_point_id']}`, statusName(Number(record?.['realization_status']))),
  );
  tell({ type: 'ready' });
});

function report(subject: string, what: string): void {
  console.log(`${subject}: ${what}`);
  tell({ type: 'saw', subject, what });
}
