/**
 * Writes together what is asked for while the write before is under way: each caller gets the result of its whole batch. It is
 * to statuses what graphile-worker's `completeJobBatchDelay: 0` is to jobs.
 */
export function together<T, R>(write: (items: T[]) => Promise<R>): (item: T) => Promise<R> {
  const waiting: T[] = [];
  let written: Promise<unknown> = Promise.resolve();
  let next: Promise<R> | undefined;
  const writeWaiting = (): Promise<R> => {
    next = undefined;
    const writing = write(waiting.splice(0));
    written = writing.catch(() => {});
    return writing;
  };
  return (item) => {
    waiting.push(item);
    next ??= written.then(writeWaiting);
    return next;
  };
}
