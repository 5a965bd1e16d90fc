import { defineTable } from '@intendant/core';
import { z } from 'zod';

/** The table that the soak's writers change. `stamp` identifies the change; `version` counts the changes of the row. */
export const account = defineTable('account', {
  schema: z.object({ id: z.string(), version: z.int(), stamp: z.string() }),
});

/** The durable names of the soak. */
export const NAMES = ['audit', 'billing'];
