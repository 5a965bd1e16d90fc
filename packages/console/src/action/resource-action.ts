import type { RealizationSession, Status } from '@intendant/realization';
import type { ReadableTable } from '../caller/access.ts';
import { listResources } from '../resource/list-resources.ts';
import type { ResourceFilter } from '../resource/resource-filter.ts';
import type { ResourceKey } from '../resource/resource-key.ts';
import type { Progress } from './action-runs.ts';

/** The resources of an action; with a point, at that point only. A retry covers points in one of `statuses`, if given. */
export type Selection = { readonly point: string | undefined; readonly statuses: readonly Status[] | undefined } & (
  | { readonly keys: readonly ResourceKey[] }
  | { readonly filter: ResourceFilter }
);

export interface ActionWork {
  readonly session: RealizationSession;
  readonly table: ReadableTable;
  readonly selection: Selection;
  readonly progress: Progress;
}

/** Number of resources processed at a time: small enough to show progress and to hold their locks only briefly. */
const CHUNK = 200;

const retry = (work: ActionWork): Promise<void> =>
  inChunks(work, async (keys, { session, table, selection }) => {
    const { statuses: status } = selection;
    await session.retry(table.definition, keys as never, { ...at(selection), ...(status && { status }) });
    return keys.length;
  });

const resync = (work: ActionWork): Promise<void> =>
  inChunks(work, async (keys, { session, table, selection }) => {
    await session.resync(table.definition, keys as never, at(selection));
    return keys.length;
  });

const purge = (work: ActionWork): Promise<void> =>
  inChunks(work, (keys, { session, table }) => session.purgeMany(table.definition, keys as never));

/** What each action does. */
export const ACTIONS = { retry, resync, purge } as const;

const at = ({ point }: Selection) => (point === undefined ? {} : { enforcementPoint: point });

async function inChunks(
  work: ActionWork,
  act: (keys: readonly ResourceKey[], work: ActionWork) => Promise<number>,
): Promise<void> {
  for await (const keys of chunksOf(work)) {
    const done = await act(keys, work);
    work.progress.advance(Math.min(done, keys.length), Math.max(0, keys.length - done));
  }
}

/** The keys of a filter are read in chunks, in order, so a resource that the action changes is processed only once. */
async function* chunksOf({ session, table, selection }: ActionWork): AsyncGenerator<readonly ResourceKey[]> {
  if ('keys' in selection) {
    for (let from = 0; from < selection.keys.length; from += CHUNK) yield selection.keys.slice(from, from + CHUNK);
    return;
  }
  let after: string | undefined;
  do {
    const page = await listResources(session, table, selection.filter, { after, limit: CHUNK });
    if (page.resources.length > 0) yield page.resources.map(({ key }) => key);
    after = page.next;
  } while (after !== undefined);
}
