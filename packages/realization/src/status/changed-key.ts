import type { RegisteredTable } from '@intendant/core/internal';

/**
 * Tells whether a change may be about the resource that this key names. Of another tenant's resource with the same key
 * it says yes too: a look too many does no harm.
 */
export function isAboutKey(
  { key: columns }: RegisteredTable,
  key: unknown,
): (changed: Readonly<Record<string, unknown>> | undefined) => boolean {
  const isObject = typeof key === 'object' && key !== null && !(key instanceof Date);
  const wanted = columns.map(({ field }) => [field, isObject ? (key as Record<string, unknown>)[field] : key] as const);
  const comparable = wanted.filter(([, value]) => typeof value === 'string' || typeof value === 'number');
  return (changed) =>
    changed === undefined || comparable.every(([field, value]) => String(changed[field]) === String(value));
}
