export {
  defineMessage,
  type FieldName,
  type MessageDefinition,
  type MessageOptions,
  type MessageTable,
} from './define-message.ts';
export { isChangeOf, type MessageChange, type TableChange } from './message-change.ts';
export type { FindAllOptions, MessageFilter, MessageOrder } from './message-filter.ts';
export type { StoredMessage } from './message-record.ts';
export type { MessageIntent, MessageResource, RemovedMessageIntent } from './message-resource.ts';
export type { MessageKey, MessageMetadata, WriteMetadata } from './metadata.ts';
export type { ProtoSession } from './proto-session.ts';
export { createProtoStore, type ProtoStore, type ProtoStoreOptions } from './proto-store.ts';
export type { WriteResult } from './write-result.ts';
