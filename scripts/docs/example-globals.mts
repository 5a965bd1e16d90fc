// Names that examples use without declaring them. An example may declare a name itself; then its own declaration is used. Names
// that our packages export need no declaration.
import type { Message } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import {
  type DataStore,
  defineTable,
  type JwtAuthorizer,
  type MetadataContext,
  type RootSession,
  type Transaction,
} from '@intendant/core';
import type { ProtoStore } from '@intendant/protostore';
import type { Realization, RealizationSession, Worker } from '@intendant/realization';
import type { Subscriptions } from '@intendant/subscription';
import type { Logger } from 'pino';
import * as zod from 'zod';

const vmTable = defineTable('vm', {
  schema: zod.object({ id: zod.string(), name: zod.string(), region: zod.string(), cpus: zod.int() }),
  indexes: [['region']],
});
const orderTable = defineTable('order', { schema: zod.object({ id: zod.string(), cpu: zod.string() }) });

type CpuMessage = Message<'Cpu'> & { brand: string; numberCores: number };
type MemoryMessage = Message<'Memory'> & { brand: string; size: number };

declare global {
  const z: typeof zod.z;
  const connection: string;
  const store: DataStore;
  const vm: typeof vmTable;
  const order: typeof orderTable;
  const roles: { readonly tenant_admin: 'tenant_writer' };
  const context: MetadataContext;
  const authorizer: JwtAuthorizer;
  const session: RootSession;
  const tx: Transaction;
  const realization: Realization;
  const r: RealizationSession;
  const worker: Worker;
  const subscriptions: Subscriptions;
  const logger: Logger;
  const protoStore: ProtoStore;
  const CpuSchema: GenMessage<CpuMessage>;
  const MemorySchema: GenMessage<MemoryMessage>;
  const cpu: CpuMessage;
  const create: typeof import('@bufbuild/protobuf').create;
  /** Of a token that came with a request. */
  const token: string;
  const expect: typeof import('vitest').expect;
  /** A system in which intents are realized. */
  const hypervisor: {
    apply(what: unknown, options?: { signal?: AbortSignal }): Promise<void>;
    remove(id: string, options?: { signal?: AbortSignal }): Promise<void>;
  };
  function install(what: unknown, id: string, signal?: AbortSignal): Promise<void>;
  function remove(id: string, signal?: AbortSignal): Promise<void>;
}
