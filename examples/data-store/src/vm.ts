import { defineTable } from '@intendant/core';
import { z } from 'zod';

export const vm = defineTable('vm', {
  schema: z.object({ id: z.string(), name: z.string(), region: z.string(), cpus: z.int() }),
  indexes: [['region']],
});
