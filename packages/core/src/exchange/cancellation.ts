import pg from 'pg';
import { OperationCancelledError } from '../error/intendant-error.ts';

/** How long the server has to answer a cancel request before the socket is cut. */
const CANCEL_GRACE_MS = 5_000;

export const cancelled = (reason: unknown): OperationCancelledError =>
  new OperationCancelledError(
    reason instanceof DOMException && reason.name === 'TimeoutError'
      ? 'the time limit ran out'
      : 'cancelled by the caller',
    { cause: reason },
  );

/**
 * Runs work on a client, and asks the server to cancel it when the signal fires. A cancel request can arrive after the
 * work is done and then hit whatever runs next, so a client that was asked for is `isSpent`: it must not be used again.
 */
export async function withCancellation<T>(
  client: pg.ClientBase,
  connection: pg.ClientConfig,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
  markSpent: () => void,
): Promise<T> {
  if (!signal) return work();
  if (signal.aborted) throw cancelled(signal.reason);
  let cut: NodeJS.Timeout | undefined;
  const onAbort = () => {
    markSpent();
    requestCancel(client, connection);
    cut = setTimeout(() => destroySocket(client), CANCEL_GRACE_MS);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await work();
  } catch (error) {
    throw signal.aborted ? cancelled(signal.reason) : error;
  } finally {
    signal.removeEventListener('abort', onAbort);
    clearTimeout(cut);
  }
}

interface CancelTarget {
  readonly processID: number | null;
  readonly secretKey: number | null;
  readonly connection: { readonly stream: { destroy(): void } };
}

const destroySocket = (client: pg.ClientBase): void => (client as unknown as CancelTarget).connection.stream.destroy();

/** A cancel request is a connection of its own. https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-CANCELING-REQUESTS */
function requestCancel(client: pg.ClientBase, connection: pg.ClientConfig): void {
  const messenger = new pg.Client(connection) as unknown as {
    cancel(target: unknown, query: unknown): void;
    readonly connection: { on(event: 'error', listener: () => void): void };
  };
  messenger.connection.on('error', () => {});
  messenger.cancel(
    {
      ...(client as unknown as CancelTarget),
      activeQuery: messenger,
      processID: (client as unknown as CancelTarget).processID,
      secretKey: (client as unknown as CancelTarget).secretKey,
    },
    messenger,
  );
}
