import { defineTable } from '@intendant/core';
import { z } from 'zod';

/** The table of the command line's tests. */
export const vm = defineTable('vm', { schema: z.object({ id: z.string(), name: z.string() }) });
