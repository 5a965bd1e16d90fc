import { createRequire } from 'node:module';
import type { Contestant, ContestantOptions } from '../contestant/contestant.ts';
import { HEAVY_PEERS_FOLDER } from './heavy-peers.ts';
import { type Machine, type NewMachine, POOL_SIZE, tenantContestant } from './tenant-store.ts';

/** The part of Prisma's generated client that is used here. Prisma is installed on demand, so its own types may be missing. */
interface PrismaClient {
  readonly vm: {
    findFirstOrThrow(query: object): Promise<Machine>;
    findMany(query: object): Promise<Machine[]>;
    create(query: { data: NewMachine & { orgId: string } }): Promise<Machine>;
    updateManyAndReturn(query: object): Promise<Machine[]>;
    createMany(query: { data: (NewMachine & { orgId: string })[] }): Promise<unknown>;
  };
  $executeRaw(template: TemplateStringsArray, ...values: unknown[]): Promise<number>;
  $transaction(queries: readonly unknown[]): Promise<unknown[]>;
  $extends(extension: object): PrismaClient;
  $disconnect(): Promise<void>;
}
interface Generated {
  readonly PrismaClient: new (options: { adapter: unknown }) => PrismaClient;
}
interface Adapter {
  readonly PrismaPg: new (config: { connectionString: string; max: number }) => unknown;
}

/**
 * Prisma 7 with its row security client extension, as in its own example: each query in a batch transaction after
 * set_config. A client is extended once per org and kept.
 */
export async function open({ url, tenantRole }: ContestantOptions): Promise<Contestant> {
  const require = createRequire(`${HEAVY_PEERS_FOLDER}/package.json`);
  const { PrismaClient } = require('./generated/index.js') as Generated;
  const { PrismaPg } = require('@prisma/adapter-pg') as Adapter;
  const prisma = new PrismaClient({ adapter: new PrismaPg({ connectionString: url, max: POOL_SIZE }) });
  const clients = new Map<string, PrismaClient>();
  const forOrg = (orgId: string): PrismaClient => {
    const known = clients.get(orgId);
    if (known) return known;
    const client = prisma.$extends({
      query: {
        $allModels: {
          async $allOperations({ args, query }: { args: unknown; query(args: unknown): Promise<unknown> }) {
            const scope = prisma.$executeRaw`select set_config('role', ${tenantRole}, true), set_config('intendant.org_id', ${orgId}, true)`;
            const [, result] = await prisma.$transaction([scope, query(args)]);
            return result;
          },
        },
      },
    });
    clients.set(orgId, client);
    return client;
  };
  return tenantContestant({
    find: (_table, orgId, id) => forOrg(orgId).vm.findFirstOrThrow({ where: { orgId, id, deletedAt: null } }),
    list: (_table, orgId, limit) =>
      forOrg(orgId).vm.findMany({
        where: { orgId, deletedAt: null },
        orderBy: [{ orgId: 'asc' }, { id: 'asc' }],
        take: limit,
      }),
    insert: (_table, orgId, machine) => forOrg(orgId).vm.create({ data: { ...machine, orgId } }),
    update: async (_table, orgId, { id, name, region, cpus, revision }) => {
      const [updated] = await forOrg(orgId).vm.updateManyAndReturn({
        where: { orgId, id, revision, deletedAt: null },
        data: { name, region, cpus },
      });
      if (updated === undefined) throw new Error(`no machine ${id} at this revision`);
      return updated;
    },
    insertMany: (_table, orgId, machines) =>
      forOrg(orgId).vm.createMany({ data: machines.map((machine) => ({ ...machine, orgId })) }),
    close: () => prisma.$disconnect(),
  });
}
