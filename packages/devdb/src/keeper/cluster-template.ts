import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/*
 * initdb takes a second, and its result is always the same. So the result is kept in the user's cache folder, and later
 * starts copy it in a tenth of the time. Only servers whose data is thrown away start from a copy, because all copies have
 * the same system identifier. A copy has a password of its own.
 */

const PREFIX = 'postgres-cluster-';
/** In the template: the data, and the number of files and folders in it, which is written last and checked against each copy. */
const DATA = 'data';
const COUNT = 'entries';

const UNUSED_AFTER_MS = 7 * 24 * 3_600_000;

/** Copies what is in a folder into another one, with owners and modes. */
export type CopyFolder = (from: string, to: string) => Promise<void>;

/** A cluster in the user's cache folder. If that cannot be written to, nothing is kept. */
export class ClusterTemplate {
  readonly #parent = cacheFolder();
  readonly #folder: string;
  readonly #copy: CopyFolder;

  /** `madeWith`: all that the data depends on. Whatever differs there has another template. */
  constructor(madeWith: readonly unknown[], copy: CopyFolder) {
    const facts = JSON.stringify([process.platform, process.arch, ...madeWith]);
    this.#folder = join(this.#parent, PREFIX + createHash('sha256').update(facts).digest('hex').slice(0, 16));
    this.#copy = copy;
  }

  /** Copies the template into an empty folder. Returns false, with the folder still empty, if there is no complete one. */
  async copyTo(folder: string): Promise<boolean> {
    const expected = await readFile(join(this.#folder, COUNT), 'utf8').catch(() => undefined);
    if (expected === undefined) return false;
    const isCopied = await this.#copy(join(this.#folder, DATA), folder).then(
      () => true,
      () => false,
    );
    if (isCopied && String(await countEntries(folder)) === expected) return true;
    await empty(folder);
    return false;
  }

  /** Keeps a copy of a cluster that no server was started on, instead of the present template. */
  async keep(cluster: string): Promise<void> {
    let fresh: string | undefined;
    try {
      await mkdir(this.#parent, { recursive: true, mode: 0o700 });
      await this.#removeUnused();
      fresh = await mkdtemp(join(this.#parent, '.new-'));
      await mkdir(join(fresh, DATA));
      await this.#copy(cluster, join(fresh, DATA));
      await writeFile(join(fresh, COUNT), String(await countEntries(cluster)));
      await rm(this.#folder, { recursive: true, force: true });
      await rename(fresh, this.#folder); // Fails if another process was faster.
    } catch {
      if (fresh !== undefined) await rm(fresh, { recursive: true, force: true }).catch(() => {});
    }
  }

  /** Templates of other versions, and what a killed process left. */
  async #removeUnused(): Promise<void> {
    for (const name of await readdir(this.#parent)) {
      const path = join(this.#parent, name);
      const isOld = Date.now() - (await stat(path)).mtimeMs > UNUSED_AFTER_MS;
      if (isOld && /^(postgres-cluster-|\.new-)/.test(name)) await rm(path, { recursive: true, force: true });
    }
  }
}

/** Removes everything in the folder. */
export async function empty(folder: string): Promise<void> {
  for (const entry of await readdir(folder)) await rm(join(folder, entry), { recursive: true, force: true });
}

const countEntries = async (folder: string): Promise<number> => (await readdir(folder, { recursive: true })).length;

/** https://specifications.freedesktop.org/basedir-spec/latest/ */
const cacheFolder = (): string => join(process.env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'intendant');
