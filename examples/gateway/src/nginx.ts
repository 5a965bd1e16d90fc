import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { mainConfig, REVISION_PATH } from './nginx-config.ts';

const START_LIMIT_MS = 10_000;
const RELOAD_LIMIT_MS = 10_000;
const ANSWERS_IN_A_ROW = 20;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/** The files and the port of one nginx. They are all that is needed to change its configuration; see `startNginx`. */
export interface Nginx {
  readonly folder: string;
  readonly port: number;
}

const configFile = ({ folder }: Nginx) => join(folder, 'nginx.conf');
export const routesFolder = ({ folder }: Nginx) => join(folder, 'routes');

/** Starts an nginx without routes. Resolves when it serves. */
export async function startNginx(nginx: Nginx): Promise<ChildProcess> {
  await rm(nginx.folder, { recursive: true, force: true });
  await mkdir(routesFolder(nginx), { recursive: true });
  await writeFile(configFile(nginx), mainConfig(nginx.folder, nginx.port));
  const server = spawn('nginx', ['-c', configFile(nginx), '-e', join(nginx.folder, 'error.log')], { stdio: 'ignore' });
  const limit = performance.now() + START_LIMIT_MS;
  while (!(await serves(nginx))) {
    if (server.exitCode !== null || performance.now() > limit)
      throw new Error(`nginx did not start; see ${nginx.folder}/error.log`);
    await delay(50);
  }
  return server;
}

const serves = (nginx: Nginx): Promise<boolean> =>
  request(nginx, 'none.test', '/').then(
    () => true,
    () => false,
  );

/** Tests the configuration files with nginx. Throws nginx's message if they are invalid. */
export function testConfiguration(nginx: Nginx): Promise<void> {
  return runNginx(nginx, ['-t']);
}

/**
 * Makes nginx reload its files, and waits until the host serves this revision; undefined: until it is gone. For a
 * moment old and new worker processes of nginx accept connections side by side, so several correct responses in a row
 * are needed.
 */
export async function reload(nginx: Nginx, host: string, revision: number | undefined): Promise<void> {
  await runNginx(nginx, ['-s', 'reload']);
  const limit = performance.now() + RELOAD_LIMIT_MS;
  for (let answers = 0; answers < ANSWERS_IN_A_ROW; ) {
    answers = (await isLoaded(nginx, host, revision)) ? answers + 1 : 0;
    if (performance.now() > limit)
      throw new Error(`nginx has not loaded revision ${revision ?? 'none'} of ${host} in time`);
    await delay(10);
  }
}

async function isLoaded(nginx: Nginx, host: string, revision: number | undefined): Promise<boolean> {
  const { status, body } = await request(nginx, host, REVISION_PATH);
  return revision === undefined ? status === 404 : body === String(revision);
}

function runNginx(nginx: Nginx, args: readonly string[]): Promise<void> {
  const program = ['-c', configFile(nginx), '-e', 'stderr', '-q', ...args];
  return new Promise((resolve, reject) => {
    execFile('nginx', program, { timeout: 10_000 }, (error, _stdout, stderr) => {
      if (error === null) resolve();
      else reject(new Error(firstComplaint(stderr) ?? error.message));
    });
  });
}

/** Removes the path, which does not concern the tenant, from `nginx: [emerg] unknown directive … in /path/routes/x.conf:5`. */
const firstComplaint = (stderr: string): string | undefined =>
  stderr
    .match(/\[emerg\] (?:\d+#\d+: )?(.*)/)?.[1]
    ?.replace(/ in \/\S+$/, '')
    .trim();

/** A request for a host name, at this nginx. */
export function request({ port }: Nginx, host: string, path: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, path, headers: { host }, agent: false, timeout: 5_000 };
    const sent = get(options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: body.trim() }));
    });
    sent.on('timeout', () => sent.destroy(new Error('no answer in 5 s'))).on('error', reject);
  });
}
