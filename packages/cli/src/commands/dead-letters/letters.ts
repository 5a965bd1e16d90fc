import type { DeadLetter, Subscriptions } from '@intendant/subscription';
import type { Workspace } from '../../database/workspace.ts';
import { wrongUse } from '../../run/command-error.ts';

/** Opens the feed with all tables registered, because dead letters may belong to any of them. */
export async function openFeed(workspace: Workspace): Promise<Subscriptions> {
  const subscriptions = await workspace.subscriptions();
  await workspace.realization();
  return subscriptions;
}

const PAGE_SIZE = 1000;

/**
 * The first `limit` dead letters of one name, or of all durable names, read in pages. Sorted by name, and oldest first
 * within a name.
 */
export async function readLetters(
  subscriptions: Subscriptions,
  name: string | undefined,
  limit: number,
): Promise<DeadLetter[]> {
  const letters: DeadLetter[] = [];
  while (letters.length < limit) {
    const after = letters.at(-1);
    const size = Math.min(PAGE_SIZE, limit - letters.length);
    const page = await subscriptions.findDeadLetters({
      limit: size,
      ...(name !== undefined && { name }),
      ...(after !== undefined && { after }),
    });
    letters.push(...page);
    if (page.length < size) break;
  }
  return letters;
}

/** The number of all dead letters of a name. */
export async function countLetters(subscriptions: Subscriptions, name: string): Promise<number> {
  return (await subscriptions.list()).find((one) => one.name === name)?.deadLetters ?? 0;
}

/** The positions to act on: those given, or undefined for all dead letters of the name. */
export function selectedPositions(positions: readonly string[], isAll: boolean): readonly string[] | undefined {
  if (isAll && positions.length > 0) throw wrongUse('give positions or --all, not both');
  if (!isAll && positions.length === 0) throw wrongUse('say which: give positions, or --all');
  return isAll ? undefined : positions;
}
