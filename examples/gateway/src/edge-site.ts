import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Answer, type Nginx, request, startNginx } from './nginx.ts';
import { freePort } from './upstream.ts';

/** Several nginx processes, each with its own folder. */
export class EdgeSite implements AsyncDisposable {
  readonly #folder: string;
  readonly #gateways = new Map<string, Nginx>();
  readonly #servers: ChildProcess[] = [];

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async open(ids: readonly string[]): Promise<EdgeSite> {
    const folder = await mkdtemp(join(tmpdir(), 'intendant-gateway-'));
    await chmod(folder, 0o755);
    const site = new EdgeSite(folder);
    try {
      for (const id of ids) await site.#add(id);
      return site;
    } catch (error) {
      await site[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #add(id: string): Promise<void> {
    const nginx = { folder: join(this.#folder, id), port: await freePort() };
    this.#servers.push(await startNginx(nginx));
    this.#gateways.set(id, nginx);
  }

  gateway(id: string): Nginx {
    const nginx = this.#gateways.get(id);
    if (nginx === undefined) throw new Error(`no gateway ${id}`);
    return nginx;
  }

  /** The response of each gateway to a request, in the order of their names. */
  request(host: string, path: string): Promise<Answer[]> {
    return Promise.all([...this.#gateways.values()].map((nginx) => request(nginx, host, path)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const server of this.#servers) {
      if (server.exitCode !== null) continue;
      server.kill('SIGTERM');
      await once(server, 'exit');
    }
    await rm(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }
}
