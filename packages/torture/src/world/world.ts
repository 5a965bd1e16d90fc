import { setTimeout as delay } from 'node:timers/promises';
import { type CrashableServer, type TcpProxy, withClient } from '@intendant/devdb/testing';
import type pg from 'pg';
import { type HistoryWriter, monotonicMs } from '../history/history-writer.ts';
import type { Random } from '../random.ts';
import type { Cast } from './cast.ts';
import type { Progress } from './progress.ts';

/** What faults act on. */
export interface World {
  /** Another one after a failover. */
  server: CrashableServer;
  /** The proxy between all processes and the server. */
  readonly proxy: TcpProxy;
  readonly cast: Cast;
  readonly history: HistoryWriter;
  readonly progress: Progress;
  readonly random: Random;
  /** Aborts when the run must end immediately. */
  readonly signal: AbortSignal;
}

/** Runs SQL with a superuser's connection, bypassing the proxy. */
export const asSuperuser = <T>({ server }: Pick<World, 'server'>, run: (client: pg.Client) => Promise<T>): Promise<T> =>
  withClient(server.adminUrl, run);

/** Waits, unless the run ends. */
export const pause = ({ signal }: Pick<World, 'signal'>, ms: number): Promise<void> => delay(ms, undefined, { signal });

/** Polls until nothing is unmet; returns what is unmet at the time limit. */
export async function waitUntilNothingUnmet(
  world: Pick<World, 'progress' | 'signal'>,
  since: number,
  limitMs: number,
): Promise<string | undefined> {
  const giveUpAt = monotonicMs() + limitMs;
  for (;;) {
    const unmet = world.progress.unmetSince(since);
    if (unmet === undefined || monotonicMs() > giveUpAt) return unmet;
    await pause(world, 50);
  }
}
