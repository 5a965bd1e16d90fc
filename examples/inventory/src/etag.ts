/*
 * A record's revision is its entity tag: https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3
 */

export const etagOf = ({ revision }: { readonly revision: number }): string => `"${revision}"`;

/** The state of the record that a PUT requires. */
export type Precondition =
  | { readonly kind: 'none' }
  /** `If-None-Match: *`: create it, and fail if it exists. */
  | { readonly kind: 'absent' }
  /** `If-Match: *`: it exists, at any revision. */
  | { readonly kind: 'present' }
  /** `If-Match: "3"`: it exists at this revision. */
  | { readonly kind: 'revision'; readonly revision: number };

/** Reads the two headers; undefined if one of them is malformed or both are given. */
export function readPrecondition(
  ifMatch: string | undefined,
  ifNoneMatch: string | undefined,
): Precondition | undefined {
  if (ifMatch !== undefined && ifNoneMatch !== undefined) return undefined;
  if (ifNoneMatch !== undefined) return ifNoneMatch === '*' ? { kind: 'absent' } : undefined;
  if (ifMatch === undefined) return { kind: 'none' };
  if (ifMatch === '*') return { kind: 'present' };
  const revision = /^"([1-9]\d{0,14})"$/.exec(ifMatch)?.[1];
  return revision === undefined ? undefined : { kind: 'revision', revision: Number(revision) };
}
