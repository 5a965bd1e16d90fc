/** A message from a process of the quickstart to its parent. */
export type ActorMessage =
  | { readonly type: 'ready' }
  /**
   * The operation of a worker on a policy; for the subscriber, a change of a policy (`P1`) or of its status at a point
   * (`P1 at E1`).
   */
  | { readonly type: 'saw'; readonly subject: string; readonly what: string };

/** Sends the message to the parent. Does nothing in a process that was started by hand. */
export const tell = (message: ActorMessage): void => {
  if (process.connected) process.send?.(message);
};

/** Resolves when the parent says so; immediately in a process that was started by hand. */
export function toldToGo(): Promise<void> {
  if (!process.connected) return Promise.resolve();
  return new Promise((resolve) => process.once('message', () => resolve()));
}
