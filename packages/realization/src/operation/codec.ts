import type { WireValue } from '@intendant/core/internal';
import type { Operation } from './operation.ts';

/**
 * An operation as JSON. Bytes occur only in column values, i.e. in the identity and the record. Only there, `{ bytes }`
 * is decoded as bytes, because a label or a message may look the same.
 */

type StoredValue = Exclude<WireValue, Buffer> | { readonly bytes: string };

/** `traceparent`: the trace that it is submitted in. */
export function encodeOperation(operation: Operation, traceparent: string | undefined): string {
  const identity = operation.identity.map(toStored);
  if (operation.kind !== 'persistIntent') return JSON.stringify({ ...operation, identity, traceparent });
  const { row } = operation;
  return JSON.stringify({ ...operation, identity, row: { ...row, values: row.values.map(toStored) }, traceparent });
}

interface DecodedOperation {
  readonly operation: Operation;
  /** What was stored as the trace; anybody may have written it. */
  readonly traceparent: unknown;
}

export function decodeOperation(text: string): DecodedOperation {
  const { traceparent, ...stored } = JSON.parse(text) as Operation & { readonly traceparent?: unknown };
  const identity = stored.identity.map(fromStored);
  if (stored.kind !== 'persistIntent') return { operation: { ...stored, identity }, traceparent };
  const row = { ...stored.row, values: stored.row.values.map(fromStored) };
  return { operation: { ...stored, identity, row }, traceparent };
}

const toStored = (value: WireValue): StoredValue =>
  Buffer.isBuffer(value) ? { bytes: value.toString('base64') } : (value as Exclude<WireValue, Buffer>);

function fromStored(value: unknown): WireValue {
  const isBytes = typeof value === 'object' && value !== null && 'bytes' in value;
  return isBytes ? Buffer.from(String(value.bytes), 'base64') : (value as WireValue);
}
