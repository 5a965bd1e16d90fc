/** The metadata of a stored message. */
export interface MessageMetadata {
  /** The id of the message, unique within its org and instance. */
  readonly id: string;
  /** The org that owns the message. */
  readonly orgId: string;
  /** The instance that the message belongs to; empty if the store has no instancer. */
  readonly instanceId: string;
  /** The id of the parent that the writer gave; null if it gave none. */
  readonly parentId: string | null;
  /** Starts at 1; each write adds 1. */
  readonly revision: number;
  /** When the message was first written, by the clock of the database. */
  readonly createdAt: Date;
  /** When the message was last written, by the clock of the database. */
  readonly updatedAt: Date;
  /** When the message was soft-deleted; null if it is not deleted. */
  readonly deletedAt: Date | null;
}

/** The metadata that a writer may give. Metadata that was read can be passed as it is. */
export interface WriteMetadata {
  /** Throws RevisionConflictError unless the message is at this revision. Default: the last writer wins. */
  readonly revision?: number;
  /** The parent's id; null removes it. Default: the stored one, or none for a new message. */
  readonly parentId?: string | null;
  /** The owner. Required under a role that is not limited to one org. Default: the org of the context. */
  readonly orgId?: string;
  /** Default: the context's. */
  readonly instanceId?: string;
}

/** Identifies a message of one type: its id, with the org and instance for a caller who sees several. */
export type MessageKey = string | { readonly id: string; readonly orgId?: string; readonly instanceId?: string };

export const idOf = (key: MessageKey): string => (typeof key === 'object' && key !== null ? key.id : key);

const MAX_PRINTED = 100;

/** The id for error messages and details, shortened. */
export function shortId(id: unknown): unknown {
  if (typeof id === 'string') return id.length > MAX_PRINTED ? `${id.slice(0, MAX_PRINTED)}…` : id;
  return id === undefined || id === null ? id : typeof id;
}

export const printId = (id: unknown): string => JSON.stringify(shortId(id)) ?? 'undefined';

/** Metadata from a record of a message table. */
export function metadataOf(record: Readonly<Record<string, unknown>>): MessageMetadata {
  return {
    id: record['id'] as string,
    orgId: record['orgId'] as string,
    instanceId: (record['instanceId'] as string | undefined) ?? '',
    parentId: (record['parent_id'] as string | null | undefined) ?? null,
    revision: record['revision'] as number,
    createdAt: record['createdAt'] as Date,
    updatedAt: record['updatedAt'] as Date,
    deletedAt: (record['deletedAt'] as Date | null | undefined) ?? null,
  };
}
