import type { LogPage } from '../log/read-log.ts';
import { PAGE_SIZE } from '../log/read-log.ts';

/** Approximate limit of the memory for one page of the log. */
const PAGE_BYTES = 4 * 1024 * 1024;
const FIRST_PAGE = 100;
const ROUGHLY_WITHOUT_RECORD = 200;

/** How many changes to read at once. It adapts to the size of the changes that were read, because tables may have large rows. */
export class PageSize {
  #limit = FIRST_PAGE;

  get limit(): number {
    return this.#limit;
  }

  learn({ changes }: LogPage): void {
    if (changes.length === 0) return;
    let bytes = 0;
    for (const { entry } of changes) bytes += ROUGHLY_WITHOUT_RECORD + (entry.record?.length ?? 0);
    this.#limit = Math.max(1, Math.min(PAGE_SIZE, Math.floor((PAGE_BYTES * changes.length) / bytes)));
  }
}
