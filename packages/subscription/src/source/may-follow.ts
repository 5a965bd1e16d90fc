import { isDeepStrictEqual } from 'node:util';
import type { DataStoreInternals } from '@intendant/core/internal';
import type { LogView } from '../log/read-log.ts';

/** Whether the context still has the scope that the view was opened for. False when the authorizer refuses it now. */
export function mayFollow(internals: DataStoreInternals, { tables, scope }: LogView, context: unknown): boolean {
  try {
    return isDeepStrictEqual(internals.scopeOf(context, [...tables]), scope);
  } catch {
    return false;
  }
}
