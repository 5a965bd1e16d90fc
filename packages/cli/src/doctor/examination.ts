import type { AnyTable } from '@intendant/core';
import type { Workspace } from '../database/workspace.ts';
import type { Finding } from './finding.ts';

/** What a check works with. */
export interface Examination {
  readonly workspace: Workspace;
  readonly realized: readonly AnyTable[];
  /** What has waited for longer than this counts as stuck. */
  readonly olderThanMs: number;
  /** Whether a table or sequence of the framework is in the database. */
  has(relation: string): Promise<boolean>;
}

export type Check = (examination: Examination) => Promise<Finding[]>;
