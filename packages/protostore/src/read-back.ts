import type { DescField, DescMessage } from '@bufbuild/protobuf';

/*
 * What the library writes without a word and would not give back: text that is no Unicode, which it replaces, and
 * nesting deeper than a reader follows. Both leave a trace in the binary form, so that all other messages pay next to
 * nothing for the question.
 */

/** U+FFFD in UTF-8: what stands where a lone surrogate was, and where a writer meant it. */
const REPLACEMENT = Buffer.from('\ufffd');

/** A level takes a tag and a length at least, and a reader follows 100 of them. */
const LEAST_BYTES_TOO_DEEP = 200;

/** Whether a text in this message was replaced when it was written. */
export const losesText = (message: object, payload: Uint8Array): boolean =>
  Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).includes(REPLACEMENT) &&
  hasLoneSurrogate(message);

function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return !value.isWellFormed();
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return false;
  return Object.entries(value).some(([name, inner]) => !name.isWellFormed() || hasLoneSurrogate(inner));
}

/** Whether a message of this type may be nested deeper than a reader follows, so that only reading tells. */
export const mayBeTooDeep = (schema: DescMessage, payload: Uint8Array): boolean =>
  payload.byteLength >= LEAST_BYTES_TOO_DEEP && isRecursive(schema);

const recursive = new WeakMap<DescMessage, boolean>();

/** Whether some message type in or below this one can contain itself. */
function isRecursive(schema: DescMessage): boolean {
  const known = recursive.get(schema);
  if (known !== undefined) return known;
  const answer = containsCycle(schema, new Map());
  recursive.set(schema, answer);
  return answer;
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
