import { PgBoss } from 'pg-boss';
import { POOL_SIZE } from './tenant-store.ts';

/** Nothing of it runs by itself but its listener. */
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
