import { complain } from './complain.ts';
import { Resources } from './resources.ts';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Time limit for closing, in milliseconds: without its database it would wait for connections. */
const CLOSE_MS = 3000;

/** Runs a process of the quickstart: opens, works, and closes when it is asked to end or when its parent has ended in any way. */
export async function runActor(open: (resources: Resources) => Promise<void>): Promise<void> {
  const { promise: ending, resolve: end } = Promise.withResolvers<void>();
  for (const signal of SIGNALS) process.once(signal, () => end());
  process.once('disconnect', () => end());
  void ending.then(() => setTimeout(() => process.exit(1), CLOSE_MS).unref());
  const resources = new Resources();
  try {
    await open(resources);
    await ending;
  } catch (error) {
    process.exitCode = complain(error);
  } finally {
    await resources.close();
  }
  if (process.connected) process.disconnect();
}
