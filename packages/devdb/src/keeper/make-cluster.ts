import { type ChildProcess, execFile } from 'node:child_process';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Binaries } from './binaries.ts';
import { ClusterTemplate, type CopyFolder, empty } from './cluster-template.ts';
import type { MakeCluster } from './data-folder.ts';
import { INITDB_OPTIONS, initializeCluster, setPassword } from './server.ts';

interface MakeClusterOptions {
  readonly binaries: Binaries;
  /** The folder that the user asked for, for messages; null for a temporary one. */
  readonly wantedFolder: string | null;
  readonly mayCopy: boolean;
  readonly onLine: (line: string) => void;
  readonly onProgram: (program: ChildProcess) => void;
}

/** Returns a function that makes a cluster: a copy of an earlier one where that is allowed and possible, otherwise a new one. */
export function clusterMaker({ binaries, wantedFolder, mayCopy, ...events }: MakeClusterOptions): MakeCluster {
  return async (folder, user, passwordFile) => {
    const options = { ...events, binaries: binaries.folder, folder, user };
    const initialize = () => initializeCluster({ ...options, wantedFolder: wantedFolder ?? folder, passwordFile });
    if (!mayCopy) return initialize();
    const { size } = await stat(join(binaries.folder, 'bin', 'postgres'));
    const template = new ClusterTemplate([binaries.version, size, INITDB_OPTIONS, user], copyWith(events.onProgram));
    if (await template.copyTo(folder)) {
      if (await setPassword({ ...options, password: await readFile(passwordFile, 'utf8') })) return;
      await empty(folder);
    }
    await initialize();
    await template.keep(folder);
  };
}

/** By the program `cp`: it keeps owners, and is faster than Node. */
const copyWith =
  (onProgram: (program: ChildProcess) => void): CopyFolder =>
  (from, to) =>
    new Promise((resolve, reject) => {
      onProgram(execFile('cp', ['-a', `${from}/.`, to], (error) => (error ? reject(error) : resolve())));
    });
