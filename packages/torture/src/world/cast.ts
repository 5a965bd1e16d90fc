import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { HistoryWriter } from '../history/history-writer.ts';
import type { Order } from '../process/orders.ts';
import { type ProcessSettings, SETTINGS_VARIABLE } from '../process/settings.ts';
import { THIS_RELEASE } from './this-release.ts';

/** Roles of processes; the script of each is `process/ROLE-process.ts`. */
export type Role = 'service' | 'worker' | 'subscriber' | 'maintenance';

/** A process of the run. */
export interface Member {
  readonly role: Role;
  readonly index: number;
  readonly child: ChildProcess;
  readonly pid: number;
  /** The repository's folder of the release that it runs. */
  readonly release: string;
}

const STOP_MS = 30_000;

/** The processes of a run. One that ends by itself is recorded and replaced. */
export class Cast implements AsyncDisposable {
  readonly #members = new Set<Member>();
  readonly #settings: Omit<ProcessSettings, 'name' | 'index'>;
  readonly #history: HistoryWriter;
  readonly #release: string;
  /** Processes that were ended on purpose. */
  readonly #expected = new WeakSet<ChildProcess>();
  #isClosed = false;

  /** `release` is the repository's folder of the release that processes run at first. */
  constructor(settings: Omit<ProcessSettings, 'name' | 'index'>, history: HistoryWriter, release = THIS_RELEASE) {
    this.#settings = settings;
    this.#history = history;
    this.#release = release;
  }

  members(role?: Role): Member[] {
    return [...this.#members].filter((member) => role === undefined || member.role === role);
  }

  /** Starts processes of a role. Resolves when all are ready. */
  async start(role: Role, size: number): Promise<void> {
    await Promise.all(Array.from({ length: size }, (_, index) => this.#start(role, index, this.#release)));
  }

  /**
   * Kills a process with `kill -9`, and starts another with the same name. Resolves when the first has ended, with a
   * promise for the start of the second.
   */
  async kill(member: Member): Promise<{ readonly replaced: Promise<void> }> {
    await this.#end(member);
    return { replaced: this.#start(member.role, member.index, member.release) };
  }

  /** Sends SIGSTOP, waits this long, then sends SIGCONT. */
  async freeze({ child, role, pid }: Member, ms: number, signal: AbortSignal): Promise<void> {
    child.kill('SIGSTOP');
    this.#history.write({ kind: 'process', phase: 'stopped', role, target: pid });
    try {
      await delay(ms, undefined, { signal });
    } finally {
      this.#history.write({ kind: 'process', phase: 'continued', role, target: pid });
      child.kill('SIGCONT');
    }
  }

  order(member: Member, order: Order): void {
    if (member.child.connected) member.child.send(order);
  }

  /** Stops a process, and starts one of another release with the same name. Resolves when that one is ready. */
  async moveTo(member: Member, release: string): Promise<void> {
    await this.#stop(member);
    await this.#start(member.role, member.index, release);
  }

  /** Asks all processes of a role to close and end, and kills those that do not within 30 s. */
  async stop(role: Role): Promise<void> {
    await Promise.all(this.members(role).map((member) => this.#stop(member)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await Promise.all(this.members().map((member) => this.#end(member)));
  }

  async #stop(member: Member): Promise<void> {
    const exited = once(member.child, 'exit');
    this.#expected.add(member.child);
    this.order(member, { order: 'stop' });
    const isOver = await Promise.race([exited.then(() => true), delay(STOP_MS, false, { ref: false })]);
    if (isOver) return;
    this.#history.write({
      kind: 'complaint',
      rule: 'a process stops when it is asked to',
      text: `${member.role} ${member.pid}`,
    });
    await this.#end(member);
  }

  async #start(role: Role, index: number, release: string): Promise<void> {
    if (this.#isClosed) return;
    const settings: ProcessSettings = { ...this.#settings, name: `${role}-${index}`, index };
    const child = fork(join(release, `packages/torture/src/process/${role}-process.ts`), {
      cwd: release,
      env: { ...process.env, [SETTINGS_VARIABLE]: JSON.stringify(settings) },
      execArgv: ['--disable-warning=ExperimentalWarning'],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const member: Member = { role, index, child, pid: child.pid as number, release };
    this.#members.add(member);
    this.#history.write({ kind: 'process', phase: 'started', role, target: member.pid });
    let said = '';
    child.stderr?.on('data', (chunk: Buffer) => {
      said = `${said}${chunk}`.slice(-2_000);
    });
    child.once('exit', (code, signal) => this.#onExit(member, `${signal ?? `exit code ${code}`} ${said}`));
    await Promise.race([once(child, 'message'), once(child, 'exit')]);
  }

  #onExit(member: Member, note: string): void {
    this.#members.delete(member);
    if (this.#expected.has(member.child)) return;
    this.#history.write({ kind: 'process', phase: 'died', role: member.role, target: member.pid, note });
    void this.#start(member.role, member.index, member.release);
  }

  async #end({ child, role, pid }: Member): Promise<void> {
    this.#expected.add(child);
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
    this.#history.write({ kind: 'process', phase: 'killed', role, target: pid });
  }
}
