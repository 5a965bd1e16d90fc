import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DevDatabaseError, failure } from '../dev-database-error.ts';
import type { KeeperMessage, KeeperRequest, RunningServer } from './keeper-message.ts';

const KEEPER = new URL(import.meta.url.endsWith('.ts') ? './keeper.ts' : './keeper.js', import.meta.url);

export interface KeeperEvents {
  onLog(line: string): void;
  onDied(message: string): void;
}

/** The parent's side of a keeper: starts the process, reads its messages, and stops it. */
export class KeeperProcess {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown>;
  #serverPid: number | undefined;

  constructor() {
    const { NODE_OPTIONS: _, NODE_V8_COVERAGE: __, ...environment } = process.env;
    this.#process = spawn(process.execPath, [fileURLToPath(KEEPER)], {
      detached: true,
      cwd: '/',
      env: environment,
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    this.#ended = once(this.#process, 'exit');
  }

  /** Resolves when the server accepts connections. Rejects with the reason when it cannot. */
  async start(request: KeeperRequest, events: KeeperEvents): Promise<RunningServer> {
    const { promise, resolve, reject } = Promise.withResolvers<RunningServer>();
    const { stdin, stdout } = this.#process;
    if (stdin === null || stdout === null) throw failure('START_FAILED', 'The keeper has no pipes');
    stdin.on('error', () => undefined); // a keeper that has ended has sent the reason
    stdin.write(`${JSON.stringify(request)}\n`);
    createInterface({ input: stdout }).on('line', (line) => {
      const message = JSON.parse(line) as KeeperMessage;
      if (message.type === 'ready') resolve(message);
      if (message.type === 'failed') reject(new DevDatabaseError(message.code, message.message));
      if (message.type === 'log') events.onLog(message.line);
      if (message.type === 'died') events.onDied(message.message);
    });
    this.#ended.then(
      () => reject(failure('START_FAILED', 'The process that starts Postgres ended without a message')),
      (error: unknown) =>
        reject(failure('START_FAILED', 'The process that starts Postgres could not be run', { cause: error })),
    );
    const server = await promise;
    this.#serverPid = server.serverPid;
    this.#unref();
    return server;
  }

  /** Resolves when the server and the keeper have ended. */
  async stop(): Promise<void> {
    this.#process.ref();
    this.#process.stdin?.end();
    await this.#ended.catch(() => undefined); // start() reports a keeper that could not be run
    const wasKilled = this.#process.signalCode !== null;
    if (wasKilled) this.#endServer();
  }

  /** Lets the program end without a call of stop(). When it ends, the pipe closes, and the keeper ends too. */
  #unref(): void {
    this.#process.unref();
    (this.#process.stdin as Socket | null)?.unref();
    (this.#process.stdout as Socket | null)?.unref();
  }

  /** Ends the server of a keeper that was killed. */
  #endServer(): void {
    if (this.#serverPid === undefined) return;
    try {
      process.kill(this.#serverPid, 'SIGINT');
    } catch {
      // already gone
    }
  }
}
