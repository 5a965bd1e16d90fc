import type { DescMessage, MessageShape } from '@bufbuild/protobuf';
import { type Comparison, type Direction, type Filter, InvalidRecordError, type OrderBy } from '@intendant/core';
import type { FieldName, MessageDefinition, MessageTable } from './define-message.ts';
import type { IndexedField } from './indexed-field.ts';

/** Selects messages by indexed fields. Each field has a value or a comparison, and all must match. `and` and `or` take lists of filters. */
export type MessageFilter<Desc extends DescMessage> = {
  readonly [Field in FieldName<Desc>]?:
    | MessageShape<Desc>[Field]
    | null
    | Comparison<NonNullable<MessageShape<Desc>[Field]>>;
} & { readonly and?: readonly MessageFilter<Desc>[]; readonly or?: readonly MessageFilter<Desc>[] };

/** Indexed fields and their directions, in order of precedence. */
export type MessageOrder<Desc extends DescMessage> = { readonly [Field in FieldName<Desc>]?: Direction };

/** Options of `findAll` and `stream`. */
export interface FindAllOptions<Desc extends DescMessage> {
  /** A filter by indexed fields (see `defineMessage`). Default: all messages that the caller may see. */
  readonly where?: MessageFilter<Desc>;
  /** Only messages with this parent; null for messages without a parent. Default: any parent. */
  readonly parentId?: string | null;
  /** The order by indexed fields. Default: by id. Equal messages are ordered by id. */
  readonly orderBy?: MessageOrder<Desc>;
  /** Largest number of messages to return; for `stream`, of a page. Default 1,000. */
  readonly limit?: number;
  /** Number of messages to skip. Default 0. Prefer `after`, which stays correct while messages are added and removed. */
  readonly offset?: number;
  /** The last message of the previous page, as it was returned. Default: from the start. */
  readonly after?: { readonly message: MessageShape<Desc>; readonly metadata: { readonly id: string } };
  /** Whether soft-deleted messages are returned too. Default false. */
  readonly includeDeleted?: boolean;
  /** Cancels the statement on the server. */
  readonly signal?: AbortSignal;
}

/** Translates the options for core: columns instead of fields. Throws InvalidRecordError for a field that is not indexed. */
export function recordOptions<Desc extends DescMessage>(
  definition: MessageDefinition<Desc>,
  options: FindAllOptions<Desc>,
) {
  const { where, parentId, orderBy, after, ...rest } = options;
  const conditions = [
    ...(where === undefined ? [] : [columnFilter(definition, where)]),
    ...(parentId === undefined ? [] : [{ parent_id: parentId }]),
  ];
  return {
    ...rest,
    ...(conditions.length > 0 && { where: { and: conditions } as Filter<MessageTable> }),
    ...(orderBy && { orderBy: columnOrder(definition, orderBy) as OrderBy<MessageTable> }),
    ...(after && { after: sortRecord(definition, after) }),
  };
}

function columnFilter(definition: MessageDefinition, filter: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(filter).map(([field, operand]) => {
      if ((field === 'and' || field === 'or') && Array.isArray(operand)) {
        return [field, operand.map((inner: object) => columnFilter(definition, inner))];
      }
      const { column, asStored } = indexedField(definition, field);
      return [column, operandAsStored(operand, asStored)];
    }),
  );
}

/** A value, or a comparison with values or lists of them. */
function operandAsStored(operand: unknown, asStored: (value: unknown) => unknown): unknown {
  if (Array.isArray(operand)) return operand.map(asStored);
  if (!isPlainObject(operand)) return asStored(operand);
  return Object.fromEntries(Object.entries(operand).map(([name, value]) => [name, operandAsStored(value, asStored)]));
}

const isPlainObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const columnOrder = (definition: MessageDefinition, order: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(order).map(([field, direction]) => [columnOf(definition, field), direction]));

/** The start of the next page: the sort columns and the identity of a returned message. */
function sortRecord(
  { indexedFields }: MessageDefinition,
  { message, metadata }: { message: MessageShape<DescMessage>; metadata: object },
) {
  return { ...metadata, ...Object.fromEntries(indexedFields.map((field) => [field.column, field.read(message)])) };
}

const columnOf = (definition: MessageDefinition, name: string): string => indexedField(definition, name).column;

function indexedField({ message, table, indexedFields }: MessageDefinition, name: string): IndexedField {
  const field = indexedFields.find((candidate) => candidate.name === name);
  if (field) return field;
  throw new InvalidRecordError(
    `${table.name}: ${message.typeName} has no index on ${JSON.stringify(name)}; add it to indexes in defineMessage`,
    { details: { table: table.name, field: name } },
  );
}
