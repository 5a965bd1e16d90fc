import type { DescField, DescMessage } from '@bufbuild/protobuf';

/*
 * The library writes some messages without an error and then reads them back differently: it replaces text that is not
 * valid Unicode, and it refuses to read deep nesting. Both can be detected in the binary form, so the check costs other
 * messages almost nothing.
 */

/** U+FFFD in UTF-8. It replaces a lone surrogate; a writer may also have used it. */
const REPLACEMENT = Buffer.from('\ufffd');

/** The smallest size of a message that is nested too deeply: a level takes at least two bytes, and a reader accepts 100 levels. */
const MIN_BYTES_TOO_DEEP = 200;

/** Returns whether writing the message replaced invalid text, so that it would be read back differently. */
export const losesText = (message: object, payload: Uint8Array): boolean =>
  Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).includes(REPLACEMENT) &&
  hasLoneSurrogate(message);

function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return !value.isWellFormed();
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  return Object.entries(value).some(([name, inner]) => !name.isWellFormed() || hasLoneSurrogate(inner));
}

/** Whether a message of this type may be nested deeper than a reader accepts. If so, only reading it shows whether it is. */
export const mayBeTooDeep = (schema: DescMessage, payload: Uint8Array): boolean =>
  payload.byteLength >= MIN_BYTES_TOO_DEEP && isRecursive(schema);

const recursive = new WeakMap<DescMessage, boolean>();

/** Whether this message type, or one inside it, can contain itself. */
function isRecursive(schema: DescMessage): boolean {
  const known = recursive.get(schema);
  if (known !== undefined) return known;
  const found = containsCycle(schema, new Map());
  recursive.set(schema, found);
  return found;
}

function containsCycle(schema: DescMessage, visited: Map<DescMessage, 'open' | 'done'>): boolean {
  const state = visited.get(schema);
  if (state !== undefined) return state === 'open';
  visited.set(schema, 'open');
  const inner = schema.fields.flatMap((field) => messageOfField(field) ?? []);
  const found = inner.some((each) => containsCycle(each, visited));
  visited.set(schema, 'done');
  return found;
}

const messageOfField = (field: DescField): DescMessage | undefined =>
  field.fieldKind === 'scalar' || field.fieldKind === 'enum' ? undefined : field.message;
