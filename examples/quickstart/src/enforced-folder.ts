import { appendFile, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from './make-folder.ts';

/** What one worker enforces: a file for each policy that is realized at its point, and a history of its operations. */
export class EnforcedFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  async prepare(): Promise<void> {
    await makeFolder(this.path);
  }

  async empty(): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    await this.prepare();
  }

  /** May be repeated, because handlers run at least once. */
  async put(name: string, content: unknown): Promise<void> {
    const file = join(this.path, fileName(name));
    // Renamed into place, so that a killed worker leaves no incomplete file.
    await writeFile(`${file}.new`, `${JSON.stringify(content, null, 2)}\n`);
    await rename(`${file}.new`, file);
    await this.#note(`put ${name}`);
  }

  /** May be repeated too. */
  async remove(name: string): Promise<void> {
    await rm(join(this.path, fileName(name)), { force: true });
    await this.#note(`removed ${name}`);
  }

  async list(): Promise<string[]> {
    return (await readdir(this.path)).filter((file) => file.endsWith('.json')).toSorted();
  }

  async #note(event: string): Promise<void> {
    await appendFile(join(this.path, 'history.txt'), `${new Date().toISOString()} process ${process.pid} ${event}\n`);
  }
}

/** Ids come from users: a slash in an id must not lead to another folder. */
const fileName = (name: string): string => `${encodeURIComponent(name)}.json`;
