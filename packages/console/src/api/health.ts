import { Hono } from 'hono';
import type { MetricsSource } from '../console-options.ts';
import type { ConsoleParts } from '../console-parts.ts';
import { problemResponse } from '../http/problem.ts';

const READY_WITHIN_MS = 2_000;

/** For operators: neither requires a sign-in, and neither reveals data. */
export const healthApi = ({ store }: ConsoleParts) =>
  new Hono()
    .get('/healthz', (context) => context.json({ status: 'ok' }))
    .get('/readyz', async (context) =>
      (await isReachable(store))
        ? context.json({ status: 'ready' })
        : problemResponse(503, { detail: 'The database does not respond.' }, { 'retry-after': '2' }),
    );

async function isReachable({ pool }: ConsoleParts['store']): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), READY_WITHIN_MS);
  const answered = pool.query('select').then(
    () => true,
    () => false,
  );
  const isReady = await Promise.race([answered, late.promise]);
  clearTimeout(timer);
  return isReady;
}

export const readMetrics = async (source: MetricsSource): Promise<Response> =>
  new Response(await source.metrics(), {
    headers: { 'content-type': source.contentType, 'cache-control': 'no-store' },
  });
