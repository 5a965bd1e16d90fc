import type { AnyTable } from '@intendant/core';
import type { Workspace } from '../database/workspace.ts';
import type { Finding } from './finding.ts';

/** The input of a check. */
export interface Examination {
  readonly workspace: Workspace;
  readonly realized: readonly AnyTable[];
  /** Jobs that have waited longer than this count as stuck, in milliseconds. */
  readonly olderThanMs: number;
  /** Whether a table or sequence of the framework is in the database. */
  has(relation: string): Promise<boolean>;
}

export type Check = (examination: Examination) => Promise<Finding[]>;
