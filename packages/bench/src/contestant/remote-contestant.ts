import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Contestant, ContestantOptions, Measurement, Workload } from './contestant.ts';
import type { Answer, Question } from './question.ts';

const PROGRAM = fileURLToPath(new URL('contestant-process.ts', import.meta.url));

/** Prisma's adapter uses pg in a way that causes a deprecation warning. */
const QUIET = ['ExperimentalWarning', 'DeprecationWarning'].map((kind) => `--disable-warning=${kind}`);

/** Compiled code is cached between processes, so that their starts take less time. */
const COMPILE_CACHE = process.env['NODE_COMPILE_CACHE'] ?? join(tmpdir(), 'intendant-bench-compile-cache');

/** A contestant in another process. */
export class RemoteContestant implements Contestant {
  readonly #process: ChildProcess;
  readonly #name: string;

  private constructor(name: string, execArgv: readonly string[]) {
    this.#name = name;
    this.#process = fork(PROGRAM, {
      execArgv: [...QUIET, ...execArgv],
      env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE },
    });
  }

  static async open(
    peer: string,
    options: ContestantOptions,
    { execArgv = [], firstWork }: { execArgv?: readonly string[]; firstWork?: Workload } = {},
  ): Promise<{ contestant: RemoteContestant; openedInMs: number }> {
    const contestant = new RemoteContestant(peer, execArgv);
    const openedInMs = (await contestant.#ask({ kind: 'open', peer, options, firstWork })) as number;
    return { contestant, openedInMs };
  }

  async run(workload: Workload): Promise<Measurement> {
    return (await this.#ask({ kind: 'run', workload })) as Measurement;
  }

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const exit = once(this.#process, 'exit');
    if (this.#process.connected) this.#process.disconnect();
    await exit;
  }

  #ask(question: Question): Promise<unknown> {
    if (!this.#process.connected) return Promise.reject(new Error(`${this.#name}: its process has ended`));
    return new Promise((resolve, reject) => {
      const end = (act: () => void) => {
        this.#process.off('message', onMessage);
        this.#process.off('exit', onExit);
        act();
      };
      const onMessage = (answer: Answer) =>
        end(() => ('error' in answer ? reject(new Error(`${this.#name}: ${answer.error}`)) : resolve(answer.result)));
      const onExit = (code: number | null, signal: string | null) =>
        end(() => reject(new Error(`${this.#name}: its process ended (${signal ?? code})`)));
      this.#process.on('message', onMessage);
      this.#process.on('exit', onExit);
      this.#process.send(question, (error) => {
        if (error) end(() => reject(error));
      });
    });
  }
}
