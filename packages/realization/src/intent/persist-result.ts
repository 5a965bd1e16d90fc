import type { AnyTable, RecordOf } from '@intendant/core';
import type { PlacementOptions } from '../placement/placement-rule.ts';
import type { Status } from '../status/status.ts';

/** The placement of an intent. */
export type PersistOptions = PlacementOptions;

/** The stored record and its overall status. */
export interface PersistResult<T extends AnyTable> {
  /** The record as stored, with its new revision. */
  readonly record: RecordOf<T>;
  /** The overall status after the write. */
  readonly status: Status;
}
