import type { ChildProcess } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { serve, tryConnection } from './connection-test.ts';
import { type Host, makeClients, makeHost, removeNamespace } from './namespace.ts';
import { runProgram } from './run-program.ts';

const PORTS = [80, 81] as const;
const WAIT_LIMIT_MS = 30_000;

/** Hosts as network namespaces, each with two TCP servers, and a namespace from which clients connect. */
export class Site implements AsyncDisposable {
  readonly #clients: string;
  readonly #prefix: string;
  readonly #hosts = new Map<string, Host>();
  readonly #servers: ChildProcess[] = [];

  private constructor(prefix: string) {
    this.#prefix = prefix;
    this.#clients = `${prefix}-clients`;
  }

  /** Creates the namespaces. Their names contain the process id, so that two runs do not conflict. */
  static async open(hosts: readonly string[]): Promise<Site> {
    const site = new Site(`fw${process.pid}`);
    try {
      await makeClients(site.#clients);
      for (const id of hosts) await site.addHost(id);
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  async addHost(id: string): Promise<void> {
    const host = await makeHost(`${this.#prefix}-${id}`, this.#clients, this.#hosts.size + 1);
    this.#hosts.set(id, host);
    for (const port of PORTS) this.#servers.push(await serve(host, port));
  }

  host(id: string): Host {
    const host = this.#hosts.get(id);
    if (host === undefined) throw new Error(`no host ${id}`);
    return host;
  }

  connect(id: string, port: number): Promise<string> {
    return tryConnection(this.#clients, this.host(id), port);
  }

  /** Each host with what a client meets at its ports, e.g. `host1 80 open 81 blocked`. */
  async connections(): Promise<string> {
    const hosts = [...this.#hosts.keys()].map(async (id) => {
      const ports = await Promise.all(PORTS.map(async (port) => `${port} ${await this.connect(id, port)}`));
      return `${id}: ${ports.join(', ')}`;
    });
    return (await Promise.all(hosts)).join('  ');
  }

  /** Deletes all rules of a host. */
  async breakRules(id: string): Promise<void> {
    await runProgram('ip', ['netns', 'exec', this.host(id).namespace, 'nft', 'flush', 'ruleset']);
  }

  async until(id: string, port: number, wanted: string): Promise<void> {
    await eventually(`${id} port ${port} is ${wanted}`, async () => (await this.connect(id, port)) === wanted);
  }

  async untilWithoutPolicies(id: string): Promise<void> {
    const { namespace } = this.host(id);
    await eventually(`${id} has no policy`, async () => {
      const tables = await runProgram('ip', ['netns', 'exec', namespace, 'nft', 'list', 'tables']);
      return !tables.includes('policy_');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) server.kill('SIGKILL');
    for (const { namespace } of this.#hosts.values()) await removeNamespace(namespace);
    await removeNamespace(this.#clients);
  }
}

/** Waits until the condition holds; throws after the limit with what was waited for. */
async function eventually(what: string, condition: () => Promise<boolean>): Promise<void> {
  const limit = performance.now() + WAIT_LIMIT_MS;
  while (!(await condition())) {
    if (performance.now() > limit) throw new Error(`waited ${WAIT_LIMIT_MS} ms but it did not happen that ${what}`);
    await delay(100);
  }
}
