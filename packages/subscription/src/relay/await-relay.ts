import { ConnectionError } from '@intendant/core';
import type { Horizon } from '../source/horizon.ts';
import type { Relay } from './relay.ts';

const READY_MS = 15_000;
/** The time limit for opening while the relay knows what it waits for, in milliseconds. */
const OBSTACLE_MS = 60_000;

/** Resolves when a relay has announced how far the log is settled. Throws ConnectionError if that takes too long. */
export async function awaitRelay(horizon: Horizon, relay: Relay | undefined): Promise<void> {
  await horizon.beyond(-1, 0, AbortSignal.timeout(READY_MS));
  if (horizon.settled < 0 && relay?.obstacle) await horizon.beyond(-1, 0, AbortSignal.timeout(OBSTACLE_MS - READY_MS));
  if (horizon.settled >= 0) return;
  const reason =
    relay?.obstacle ??
    `no relay spoke within ${READY_MS / 1_000} s: at least one process must open subscriptions without \`relay: false\``;
  throw new ConnectionError(`createSubscriptions: ${reason}`);
}
