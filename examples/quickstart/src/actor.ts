import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ActorMessage, Instructions } from './actor-message.ts';
import { QuickstartError } from './quickstart-error.ts';
import { say } from './terminal.ts';

const MAX_RESTARTS = 5;
const STOP_MS = 5000;

export interface ActorOptions {
  /** Its name in the terminal. */
  readonly name: string;
  /** A program in this folder. */
  readonly script: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Called with each event that the process reports. */
  readonly onSaw: (subject: string, what: string) => void;
}

/** A process of the quickstart. If it is killed, it is started again, as a supervisor would; if it fails, it is not. */
export class Actor implements AsyncDisposable {
  readonly #options: ActorOptions;
  readonly #ready = Promise.withResolvers<void>();
  /** Rejects when the process failed; never resolves. */
  readonly failed: Promise<never>;
  readonly #fail: (reason: Error) => void;
  #process: ChildProcess | undefined;
  #instructions: Instructions | undefined;
  #restarts = 0;
  #mayGo = false;
  #isStopping = false;

  constructor(options: ActorOptions) {
    this.#options = options;
    const { promise, reject } = Promise.withResolvers<never>();
    this.failed = promise;
    this.#fail = reject;
    promise.catch(() => {}); // Callers that wait receive the error; perhaps nobody waits yet.
  }

  get name(): string {
    return this.#options.name;
  }

  start(): void {
    this.#spawn();
  }

  /** Gives the process settings that its environment lacks. It waits for them. */
  instruct(instructions: Instructions): void {
    this.#instructions = instructions;
    this.#process?.send(instructions);
  }

  /** Resolves when the process reports that it is ready. */
  async ready(): Promise<void> {
    await Promise.race([this.#ready.promise, this.failed]);
  }

  /** Tells the process to begin its work. */
  go(): void {
    this.#mayGo = true;
    this.#process?.send('go');
  }

  /** Resolves when the process has ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const child = this.#process;
    if (child === undefined || hasEnded(child)) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const kill = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await ended;
    clearTimeout(kill);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  #spawn(): void {
    const { script, environment } = this.#options;
    const child = fork(fileURLToPath(new URL(script, import.meta.url)), {
      env: { ...process.env, ...environment },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#process = child;
    if (this.#instructions) child.send(this.#instructions);
    for (const stream of [child.stdout, child.stderr]) {
      if (stream) createInterface({ input: stream }).on('line', (line) => say(this.name, line));
    }
    child.on('message', (message: ActorMessage) => this.#hear(message));
    child.on('error', (error) => this.#fail(error));
    child.on('exit', (code, signal) => this.#onExit(code, signal));
  }

  #hear(message: ActorMessage): void {
    if (message.type === 'saw') this.#options.onSaw(message.subject, message.what);
    else this.#beReady();
  }

  #beReady(): void {
    say(this.name, `is ready, as process ${this.#process?.pid}`);
    this.#ready.resolve();
    if (this.#mayGo) this.#process?.send('go');
  }

  #onExit(code: number | null, signal: NodeJS.Signals | null): void {
    if (this.#isStopping) return;
    if (signal === null || this.#restarts++ >= MAX_RESTARTS) {
      this.#fail(new QuickstartError(`${this.name} ended too early (${signal ?? `exit code ${code}`}).`));
      return;
    }
    say(this.name, `was ended by ${signal}, and is started again`);
    this.#spawn();
  }
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;
