import { createMetrics } from '@intendant/telemetry';
import { Hono } from 'hono';
import type { Workspace } from '../database/workspace.ts';
import { type ListeningServer, listen } from './listen.ts';

export interface HealthAddress {
  readonly host: string;
  readonly port: number;
}

/** Serves `/metrics` and `/healthz`. The latter returns 503 while the database cannot be read. */
export async function serveWorkerHealth(workspace: Workspace, { host, port }: HealthAddress): Promise<ListeningServer> {
  const subscriptions = await workspace.subscriptions();
  const realization = await workspace.realization();
  const store = await workspace.store();
  const metrics = createMetrics({ store, realization, subscriptions });
  const app = new Hono();
  app.get('/metrics', async (context) => {
    context.header('content-type', metrics.registry.contentType);
    return context.body(await metrics.registry.metrics());
  });
  app.get('/healthz', async (context) => {
    await realization.points.list();
    return context.text('ok\n');
  });
  app.onError((_error, context) => context.text('the database cannot be read\n', 503));
  return listen(app.fetch, host, port);
}
