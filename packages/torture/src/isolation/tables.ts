import { StringValueSchema } from '@bufbuild/protobuf/wkt';
import { defineTable } from '@intendant/core';
import { defineMessage, type MessageDefinition } from '@intendant/protostore';
import { z } from 'zod';

/** Plain records with a document inside. */
export const doc = defineTable('doc', {
  schema: z.object({ id: z.string(), value: z.string(), json: z.unknown() }),
});
/** Resources that instances keep apart. */
export const cell = defineTable('cell', {
  schema: z.object({ id: z.string(), value: z.string() }),
  instanced: true,
});
/** Messages of a type that Protobuf itself defines. */
export const note: MessageDefinition = defineMessage(StringValueSchema, { table: 'note' });
