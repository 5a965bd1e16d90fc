import type { RegisteredTable } from '@intendant/core/internal';

/**
 * Whether a change may concern the resource with this key. Also true for another tenant's resource with the same key:
 * an unnecessary check is harmless.
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
