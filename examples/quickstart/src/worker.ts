// A worker of one enforcement point, as a process of its own: `node src/worker.ts`, with its settings in the environment.
import { setTimeout as delay } from 'node:timers/promises';
import { on } from '@intendant/realization';
import { instructed, tell, toldToGo } from './actor-message.ts';
import { EnforcedFolder } from './enforced-folder.ts';
import { runActor } from './run-actor.ts';
import { openService } from './service.ts';
import { readWorkerSettings } from './settings.ts';
import { policy } from './tables.ts';

await runActor(async (resources) => {
  const { databaseUrl, enforcementPoint, folderPath, realizeMs } = readWorkerSettings(await instructed());
  const folder = new EnforcedFolder(folderPath);
  await folder.prepare();
  const { realization } = resources.use(await openService(databaseUrl));

  const worker = realization.worker({
    enforcementPoint,
    leaseMs: 3000, // so that a killed worker is soon noticed
    handlers: [
      on(policy, {
        realize: async ({ record, revision, attempt }, { signal }) => {
          console.log(`realizes ${record.id} at revision ${revision}, attempt ${attempt}`);
          tell({ type: 'saw', subject: record.id, what: `realize revision ${revision}` });
          await delay(realizeMs, undefined, { signal }); // the time that a real firewall would take
          await folder.put(record.id, { name: record.name, allowedPorts: record.allowedPorts, revision });
          console.log(`has put ${record.id} into its folder`);
        },
        unrealize: async ({ record, revision }) => {
          tell({ type: 'saw', subject: record.id, what: `unrealize revision ${revision}` });
          await folder.remove(record.id);
          console.log(`has removed ${record.id} from its folder`);
        },
      }),
    ],
  });
  resources.use(worker);
  tell({ type: 'ready' });
  await toldToGo();
  await worker.start();
});
