import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Nginx } from './nginx.ts';

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url));

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** Resolves when the process has printed the word; rejects if it ends before. */
  printed(word: string): Promise<void>;
}

/** Starts the worker beside an nginx as a process of its own. */
export function startWorker(url: string, id: string, nginx: Nginx, environment: NodeJS.ProcessEnv = {}): WorkerProcess {
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', WORKER, id, nginx.folder, String(nginx.port)],
    {
      env: { ...process.env, NODE_OPTIONS: '', DATABASE_URL: url, ...environment },
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const printed = (word: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => output.includes(word) && resolve();
      child.stdout.on('data', look);
      child.once('exit', (code) => reject(new Error(`the worker ended with ${code} before it printed "${word}"`)));
      look();
    });
  return { child, printed };
}
