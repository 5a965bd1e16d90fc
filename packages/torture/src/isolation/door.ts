import type { DataStore } from '@intendant/core';
import type { ProtoStore } from '@intendant/protostore';
import type { Realization } from '@intendant/realization';
import type { Subscriptions } from '@intendant/subscription';
import type { Random } from '../random.ts';
import type { Caller } from './caller.ts';

/** What callers can reach. */
export interface Building {
  readonly store: DataStore;
  readonly protoStore: ProtoStore;
  readonly realization: Realization;
  readonly subscriptions: Subscriptions;
  /** The console's HTTP API. */
  readonly fetch: (path: string, init: RequestInit) => Response | Promise<Response>;
}

/** One way in: what a caller does there, and what comes back, errors included. */
export interface Door {
  readonly name: string;
  /** Changes something, so an auditor must be refused, unless there is nothing to change. */
  readonly writes?: boolean;
  open(building: Building, caller: Caller, random: Random): Promise<unknown>;
}
