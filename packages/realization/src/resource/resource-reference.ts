import type { AnyTable, KeyOf } from '@intendant/core';

/** A resource at one revision, as marks identify it. A record that was read can be used. */
export type ResourceReference<T extends AnyTable> = Extract<KeyOf<T>, object> & { readonly revision: number };

/** One resource, or several that get the same mark. */
export type Marked<T extends AnyTable> = ResourceReference<T> | readonly ResourceReference<T>[];
