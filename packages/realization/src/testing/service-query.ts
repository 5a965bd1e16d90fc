import type { DataStore } from '@intendant/core';
import { internalsOf } from '@intendant/core/internal';

/** Queries the framework's own tables as the service role, because the login may not. */
export const serviceQuery = (store: DataStore, text: string, values: unknown[] = []) =>
  internalsOf(store).inServiceTransaction((client) => client.query(text, values));
