import { PgBoss } from 'pg-boss';
import { POOL_SIZE } from './tenant-store.ts';

/** Starts pg-boss with none of its background parts except the listener. */
export async function startPgBoss(url: string): Promise<PgBoss> {
  const boss = new PgBoss({
    connectionString: url,
    max: POOL_SIZE,
    supervise: false,
    schedule: false,
    useListenNotify: true,
  });
  boss.on('error', (error) => console.error(`pg-boss: ${error.message}`));
  await boss.start();
  return boss;
}
