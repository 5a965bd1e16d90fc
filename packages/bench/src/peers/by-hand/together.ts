/**
 * Collects what is requested during a write and writes it together afterwards; each caller gets the result of its
 * batch. It does for statuses what graphile-worker's `completeJobBatchDelay: 0` does for jobs.
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
