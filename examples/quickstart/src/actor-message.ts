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

/** Settings that the parent sends to a process of the quickstart when it knows them. */
export type Instructions = Readonly<Record<string, string>>;

/** Resolves with the environment and the parent's instructions; immediately in a process that was started by hand. */
export const instructed = async (): Promise<NodeJS.ProcessEnv> => ({ ...process.env, ...(await nextMessage()) });

/** Resolves when the parent says so, after its instructions; immediately in a process that was started by hand. */
export const toldToGo = async (): Promise<void> => void (await nextMessage());

function nextMessage(): Promise<Instructions | undefined> {
  if (!process.connected) return Promise.resolve(undefined);
  return new Promise((resolve) => process.once('message', (message) => resolve(message as Instructions)));
}
