/** What a process of the quickstart tells the one that started it. */
export type ActorMessage =
  | { readonly type: 'ready' }
  /** What a worker was to do with a policy; for the subscriber, a change of one (`P1`) or of its status at a point (`P1 at E1`). */
  | { readonly type: 'saw'; readonly subject: string; readonly what: string };

/** Says so to whoever started this process; to nobody if it was started by hand. */
export const tell = (message: ActorMessage): void => {
  if (process.connected) process.send?.(message);
};

/** Resolves when the starter says so; at once in a process that was started by hand. */
export function toldToGo(): Promise<void> {
  if (!process.connected) return Promise.resolve();
  return new Promise((resolve) => process.once('message', () => resolve()));
}
