import type { AnyTable } from '@intendant/core';
import { defineStatusTables } from './resource/status-tables.ts';
import { operationTable } from './submit/operation-table.ts';

/**
 * The tables that a store registers for these tables of resources: themselves, their status tables, and the submitted
 * operations.
 */
export const registeredTables = (resources: readonly AnyTable[]): AnyTable[] => [
  ...resources.flatMap((resource) => [resource, ...Object.values(defineStatusTables(resource) as object)]),
  operationTable,
];
