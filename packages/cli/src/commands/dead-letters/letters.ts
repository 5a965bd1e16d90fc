import type { DeadLetter, Subscriptions } from '@intendant/subscription';
import type { Workspace } from '../../database/workspace.ts';
import { wrongUse } from '../../run/command-error.ts';

/** Opens the feed with all tables registered, because dead letters may belong to any of them. */
export async function openFeed(workspace: Workspace): Promise<Subscriptions> {
  const subscriptions = await workspace.subscriptions();
  await workspace.realization();
  return subscriptions;
}

/** The dead letters of one name, or of all durable names; oldest first within a name. */
export async function readLetters(
  subscriptions: Subscriptions,
  name: string | undefined,
  limit: number,
): Promise<DeadLetter[]> {
  const names = name === undefined ? (await subscriptions.list()).map((one) => one.name) : [name];
  const letters: DeadLetter[] = [];
  for (const one of names) {
    const room = limit - letters.length;
    if (room > 0) letters.push(...(await subscriptions.deadLetters(one, { limit: room })));
  }
  return letters;
}

/** The positions to act on: those given, or undefined for all dead letters of the name. */
export function selectedPositions(positions: readonly string[], isAll: boolean): readonly string[] | undefined {
  if (isAll && positions.length > 0) throw wrongUse('give positions or --all, not both');
  if (!isAll && positions.length === 0) throw wrongUse('say which: give positions, or --all');
  return isAll ? undefined : positions;
}
