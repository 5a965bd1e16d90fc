import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Observation } from '@intendant/realization';
import { type Nginx, reload, request, routesFolder, testConfiguration } from './nginx.ts';
import { REVISION_PATH, routeConfig } from './nginx-config.ts';
import { hostNameOf, type Route } from './route.ts';

/*
 * A route is one file. The file that worked last is kept beside it until the new one serves, so that nginx always has a
 * configuration that it accepts: after an error, and after a crash at any moment in between.
 */

type Owner = Pick<Route, 'id' | 'orgId'>;

const fileOf = (nginx: Nginx, owner: Owner) => join(routesFolder(nginx), `${hostNameOf(owner)}.conf`);
const previousOf = (nginx: Nginx, owner: Owner) => `${fileOf(nginx, owner)}.previous`;

const contentOf = (file: string): Promise<string | undefined> =>
  readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });

/** Replaces a file in one step, or removes it. */
async function put(file: string, content: string | undefined): Promise<void> {
  if (content === undefined) return rm(file, { force: true });
  await writeFile(`${file}.new`, content);
  await rename(`${file}.new`, file);
}

export interface GatewayOptions {
  /** Called after the file was written and before nginx reads it; for tests that end the process there. */
  readonly beforeReload?: () => Promise<void>;
}

/** Makes nginx serve the route at its revision. Throws with nginx's message, and the former route then still serves. */
export async function applyRoute(nginx: Nginx, route: Route, { beforeReload }: GatewayOptions = {}): Promise<void> {
  const file = fileOf(nginx, route);
  const previous = (await contentOf(previousOf(nginx, route))) ?? (await contentOf(file)) ?? '';
  await put(previousOf(nginx, route), previous);
  await put(file, routeConfig(route, nginx.port));
  try {
    await testConfiguration(nginx);
  } catch (error) {
    await put(file, previous || undefined);
    await rm(previousOf(nginx, route), { force: true });
    throw error;
  }
  await beforeReload?.();
  await reload(nginx, hostNameOf(route), route.revision);
  await rm(previousOf(nginx, route), { force: true });
  await checkUpstream(nginx, route);
}

/** A route whose upstream does not respond is loaded, but reported as an error, so that its owner learns of it. */
async function checkUpstream(nginx: Nginx, route: Route): Promise<void> {
  if (route.match === 'pattern') return; // No path is known to match, so nothing can be requested.
  const { status } = await request(nginx, hostNameOf(route), route.path);
  if (status === 502 || status === 504)
    throw new Error(`the upstream ${route.upstream} does not answer (HTTP ${status})`);
}

export async function removeRoute(nginx: Nginx, owner: Owner): Promise<void> {
  await rm(fileOf(nginx, owner), { force: true });
  await rm(previousOf(nginx, owner), { force: true });
  await reload(nginx, hostNameOf(owner), undefined);
}

export async function observeRoute(nginx: Nginx, route: Route): Promise<Observation> {
  const { status, body } = await request(nginx, hostNameOf(route), REVISION_PATH);
  if (status === 404) return 'missing';
  return body === String(route.revision) ? 'realized' : 'drifted';
}
