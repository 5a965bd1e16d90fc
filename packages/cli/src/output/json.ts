/** JSON of records: dates as ISO 8601, bigints as decimal strings, bytes as base64, maps as objects. */
export const toJson = (value: unknown, indent?: number): string => JSON.stringify(plain(value), undefined, indent);

function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? null : value.toISOString();
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (value instanceof Map) return plainEntries(value.entries());
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object' && value !== null) return plainEntries(Object.entries(value));
  return value;
}

function plainEntries(entries: Iterable<readonly [unknown, unknown]>): Record<string, unknown> {
  const result: Record<string, unknown> = Object.create(null);
  for (const [key, value] of entries) result[String(key)] = plain(value);
  return result;
}
