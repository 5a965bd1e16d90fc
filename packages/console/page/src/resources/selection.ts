import { useEffect, useState } from 'preact/hooks';
import type { Resource } from '../api/model.ts';

/** The resources that an action will change. */
export interface Selection {
  readonly ids: ReadonlySet<string>;
  /** All that match the filter, on every page. */
  readonly isAll: boolean;
  toggle(id: string): void;
  /** Selects a page's resources, or deselects them if all of them are selected. */
  togglePage(resources: readonly Resource[]): void;
  selectAll(): void;
  clear(): void;
}

/** A new filter starts with an empty selection. */
export function useSelection(filter: string): Selection {
  const [ids, setIds] = useState<ReadonlySet<string>>(new Set());
  const [isAll, setAll] = useState(false);
  const set = (next: ReadonlySet<string>, all = false) => {
    setIds(next);
    setAll(all);
  };
  useEffect(() => set(new Set()), [filter]);
  return {
    ids,
    isAll,
    toggle: (id) => set(ids.has(id) ? new Set([...ids].filter((other) => other !== id)) : new Set([...ids, id])),
    togglePage: (resources) => {
      const own = resources.map(({ id }) => id);
      const isWhole = own.every((id) => ids.has(id));
      set(new Set(isWhole ? [...ids].filter((id) => !own.includes(id)) : [...ids, ...own]));
    },
    selectAll: () => setAll(true),
    clear: () => set(new Set()),
  };
}
