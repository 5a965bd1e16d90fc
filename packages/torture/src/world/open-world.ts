import { join } from 'node:path';
import { crashableServer, tcpProxy } from '@intendant/devdb/testing';
import { openHistory } from '../history/history-writer.ts';
import { randomFrom } from '../random.ts';
import type { ScenarioRun } from '../scenario/scenario.ts';
import { Cast } from './cast.ts';
import { Progress } from './progress.ts';
import type { World } from './world.ts';

/** Options of a world. */
export interface WorldOptions {
  /** Settings of its server. */
  readonly settings?: Readonly<Record<string, string | number>>;
  /** The folder of its data. */
  readonly dataFolder?: string;
  /** False for a pooler that does not support prepared statements. Default true. */
  readonly namedStatements?: boolean;
  /** Pause of services' loops between two operations, in milliseconds. Default 25. */
  readonly paceMs?: number;
  /** Number of resources of each tenant. Default 8. */
  readonly resources?: number;
  /** Whether registration goes through the proxy too, which a failover to another port needs. Default false. */
  readonly adminByProxy?: boolean;
  /** The repository's folder of the release that processes run at first. Default: the release under test. */
  readonly release?: string;
  /** Starts a pooler between the proxy and the processes: returns the URL for the processes. */
  readonly front?: (url: string, resources: AsyncDisposableStack) => Promise<string>;
}

const POINTS = ['E0', 'E1'];
/** Fewer connections than the server's default, so that the limit is reached quickly. */
export const SERVER_SETTINGS = { max_connections: 80 };
const ORGS = 3;
const RESOURCES = 8;
const PACE_MS = 25;
/** The durable names of `process/subscriber-process.ts` that deliver resources. */
const NAMES = ['all-vm', 'all-sign', 'tenant-vm@o0'];

/** A server, a proxy in front of it, and processes that are not yet started. Disposing it ends them all. */
export async function openWorld(run: ScenarioRun, options: WorldOptions = {}): Promise<World & AsyncDisposable> {
  await using resources = new AsyncDisposableStack();
  const server = resources.use(
    await crashableServer({
      settings: { ...SERVER_SETTINGS, ...options.settings },
      ...(options.dataFolder !== undefined && { folder: options.dataFolder }),
    }),
  );
  const proxy = resources.use(await tcpProxy({ targetPort: server.port }));
  const history = openHistory(run.history);
  resources.defer(() => history.close());
  const listenUrl = proxy.through(server.url);
  const { namedStatements = true, adminByProxy = false } = options;
  const adminUrl = adminByProxy ? proxy.through(server.adminUrl) : server.adminUrl;
  const url = options.front ? await options.front(listenUrl, resources) : listenUrl;
  const cast = resources.use(
    new Cast({ ...sharedSettings(run, adminUrl, options), url, listenUrl, namedStatements }, history, options.release),
  );
  const progress = resources.use(new Progress(run.history, NAMES));
  const owned = resources.move();
  return {
    server,
    proxy,
    cast,
    history,
    progress,
    random: randomFrom(run.seed, 'faults'),
    signal: run.signal,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function sharedSettings(
  { history, folder, seed, scale, broken }: ScenarioRun,
  adminUrl: string,
  { paceMs = PACE_MS, resources = RESOURCES }: WorldOptions,
) {
  return {
    adminUrl,
    history,
    log: join(folder, 'log.jsonl'),
    seed,
    orgs: Array.from({ length: ORGS }, (_, index) => `o${index}`),
    resources: Math.max(1, Math.round(resources * scale)),
    points: POINTS,
    paceMs,
    broken,
  };
}
