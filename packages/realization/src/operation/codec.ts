import type { WireValue } from '@intendant/core/internal';
import type { Operation } from './operation.ts';

/**
 * An operation as JSON. Bytes occur only in column values, i.e. in the identity and the record. Only there, `{ bytes }`
 * is decoded as bytes, because a label or a message may look the same.
 */

type StoredValue = Exclude<WireValue, Buffer> | { readonly bytes: string };

export function encodeOperation(operation: Operation): string {
  const identity = operation.identity.map(toStored);
  if (operation.kind !== 'persistIntent') return JSON.stringify({ ...operation, identity });
  const { row } = operation;
  return JSON.stringify({ ...operation, identity, row: { ...row, values: row.values.map(toStored) } });
}

export function decodeOperation(text: string): Operation {
  const stored = JSON.parse(text) as Operation;
  const identity = stored.identity.map(fromStored);
  if (stored.kind !== 'persistIntent') return { ...stored, identity };
  return { ...stored, identity, row: { ...stored.row, values: stored.row.values.map(fromStored) } };
}

const toStored = (value: WireValue): StoredValue =>
  Buffer.isBuffer(value) ? { bytes: value.toString('base64') } : (value as Exclude<WireValue, Buffer>);

function fromStored(value: unknown): WireValue {
  const isBytes = typeof value === 'object' && value !== null && 'bytes' in value;
  return isBytes ? Buffer.from(String(value.bytes), 'base64') : (value as WireValue);
}
