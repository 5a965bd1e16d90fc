import type { LogPage } from '../log/read-log.ts';
import { PAGE_SIZE } from '../log/read-log.ts';

/** Approximate limit of the memory for one page of the log. */
const PAGE_BYTES = 4 * 1024 * 1024;
const FIRST_PAGE = 100;
/** Approximate size of a change without its record, in bytes. */
const OVERHEAD_BYTES = 200;

/** The number of changes to read at once. It adapts to the average size of the last page, because tables may have large rows. */
export class PageSize {
  #limit = FIRST_PAGE;

  get limit(): number {
    return this.#limit;
  }

  /** Sets the size of the next page from the changes of this one. */
  learn({ changes }: LogPage): void {
    if (changes.length === 0) return;
    let bytes = 0;
    for (const { entry } of changes) bytes += OVERHEAD_BYTES + (entry.record?.length ?? 0);
    this.#limit = Math.max(1, Math.min(PAGE_SIZE, Math.floor((PAGE_BYTES * changes.length) / bytes)));
  }
}
