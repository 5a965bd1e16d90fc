/*
 * The keeper: a small process between the one that wants a database and Postgres.
 *
 * Its standard input is a pipe from its parent. The kernel closes the pipe whenever the parent ends: by stop(), by
 * returning from main, by Ctrl-C or by kill -9. Then the keeper shuts the server down, removes the temporary folder and
 * exits. So the parent needs no signal handlers and no exit hooks. The keeper leads a process group of its own. Otherwise
 * Ctrl-C would end Postgres before the parent had finished its work.
 */
import type { ChildProcess } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { provideBinaries } from './binaries.ts';
import { type DataFolder, keptDataFolder, temporaryDataFolder } from './data-folder.ts';
import type { KeeperMessage, KeeperRequest } from './keeper-message.ts';
import { clusterMaker } from './make-cluster.ts';
import { startServer, stopProgram } from './server.ts';
import { failureOfSystem } from './start-failure.ts';

const programs = new Set<ChildProcess>();
const temporaryFolders = new Set<string>();
let isStopping = false;

async function keep(request: KeeperRequest): Promise<void> {
  const onLine = (line: string) => request.wantsLog && send({ type: 'log', line });
  const folder = await openDataFolder(request, onLine);
  const server = await startServer({
    ...folder,
    folder: folder.path,
    port: request.port,
    settings: request.settings,
    onLine,
    onProgram,
  });
  server.process.once('exit', (code, signal) => {
    if (isStopping) return;
    send({ type: 'died', message: `The Postgres server ended unexpectedly (${signal ?? `exit code ${code}`})` });
    void stop(1);
  });
  send({
    type: 'ready',
    port: server.port,
    password: folder.password,
    dataDir: folder.path,
    serverPid: server.process.pid ?? 0,
  });
}

async function openDataFolder(
  request: KeeperRequest,
  onLine: (line: string) => void,
): Promise<DataFolder & { binaries: string }> {
  const binaries = await provideBinaries();
  const { dataDir: wantedFolder, mayCopy } = request;
  const makeCluster = clusterMaker({ binaries, wantedFolder, mayCopy, onLine, onProgram });
  const onTemporary = (path: string) => temporaryFolders.add(path);
  if (request.dataDir === null)
    return { ...(await temporaryDataFolder(makeCluster, onTemporary)), binaries: binaries.folder };
  const folder = await keptDataFolder(request.dataDir, makeCluster, onTemporary);
  temporaryFolders.clear();
  if (!request.persistent) temporaryFolders.add(request.dataDir).add(folder.path);
  return { ...folder, binaries: binaries.folder };
}

function onProgram(program: ChildProcess): void {
  programs.add(program);
  program.once('exit', () => programs.delete(program));
  program.once('error', () => programs.delete(program));
  if (isStopping) program.kill('SIGKILL');
}

async function stop(exitCode: number): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  await Promise.all([...programs].map(stopProgram));
  for (const folder of temporaryFolders) {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    await rm(`${folder}.password`, { force: true });
  }
  process.exit(exitCode);
}

function send(message: KeeperMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

async function main(): Promise<void> {
  // A killed parent no longer reads. The keeper must still shut the server down.
  process.stdout.on('error', () => undefined);
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  const input = createInterface({ input: process.stdin });
  input.on('close', () => void stop(0));
  input.once('line', async (line) => {
    const request = JSON.parse(line) as KeeperRequest;
    try {
      await keep(request);
    } catch (error) {
      if (isStopping) return;
      const { code, message } = failureOfSystem(error, request.dataDir ?? 'a temporary folder');
      send({ type: 'failed', code, message });
      await stop(1);
    }
  });
}

await main();
