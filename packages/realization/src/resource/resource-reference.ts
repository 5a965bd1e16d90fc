import type { AnyTable, KeyOf } from '@intendant/core';

/** A resource at one revision, as marks name it. A record that was read fits. */
export type ResourceReference<T extends AnyTable> = Extract<KeyOf<T>, object> & { readonly revision: number };

/** One resource, or several to be marked alike. */
export type Marked<T extends AnyTable> = ResourceReference<T> | readonly ResourceReference<T>[];
