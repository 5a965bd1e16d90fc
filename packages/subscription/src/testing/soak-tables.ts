import { defineTable } from '@intendant/core';
import { z } from 'zod';

/** What the soak's writers change. `stamp` names the change; `version` counts the row's. */
export const account = defineTable('account', {
  schema: z.object({ id: z.string(), version: z.int(), stamp: z.string() }),
});

/** The durable names of the soak. */
export const NAMES = ['audit', 'billing'];
