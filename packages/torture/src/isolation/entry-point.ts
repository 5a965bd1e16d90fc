import type { DataStore } from '@intendant/core';
import type { ProtoStore } from '@intendant/protostore';
import type { Realization } from '@intendant/realization';
import type { Subscriptions } from '@intendant/subscription';
import type { Random } from '../random.ts';
import type { Caller } from './caller.ts';
import type { RunCli } from './run-cli.ts';

/** The parts of the system that callers can reach. */
export interface SystemUnderTest {
  readonly store: DataStore;
  readonly protoStore: ProtoStore;
  readonly realization: Realization;
  readonly subscriptions: Subscriptions;
  /** The command line, with the logins of the service. */
  readonly cli: RunCli;
  /** The console's HTTP API. */
  readonly fetch: (path: string, init: RequestInit) => Response | Promise<Response>;
}

/** One way into the system: an operation of a caller, with its result or error. */
export interface EntryPoint {
  readonly name: string;
  /** Whether it changes something. Then an auditor must be refused, unless nothing matches. */
  readonly writes?: boolean;
  call(system: SystemUnderTest, caller: Caller, random: Random): Promise<unknown>;
}
