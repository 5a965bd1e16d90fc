import type { Transaction } from '@intendant/core';
import { PrismaPg } from '@prisma/adapter-pg';
import pg from 'pg';
import type { Inventory } from '../src/inventory.ts';
import { PrismaClient } from './generated/client.ts';

type Client = Transaction['client'];

/** Prisma's nested writes begin a transaction of their own. Inside ours, that is a savepoint. */
const SAVEPOINTS: Readonly<Record<string, string>> = {
  BEGIN: 'savepoint prisma',
  COMMIT: 'release savepoint prisma',
  ROLLBACK: 'rollback to savepoint prisma',
};

/** Prisma's adapter expects a pool. This one holds one connection, which belongs to the transaction. */
function poolOf(client: Client): pg.Pool {
  const query = (config: pg.QueryConfig, values?: unknown[]) =>
    client.query({ ...config, text: SAVEPOINTS[config.text] ?? config.text }, values);
  const connection = { query, release: () => {}, on: () => {}, removeListener: () => {} };
  return Object.assign(new pg.Pool({ max: 1 }), { query, connect: async () => connection });
}

const clients = new WeakMap<Transaction, PrismaClient>();

/** A Prisma client belongs to one adapter, so each transaction has its own. It holds no connection that would have to be closed. */
function prismaOf(tx: Transaction): PrismaClient {
  const prisma = clients.get(tx) ?? new PrismaClient({ adapter: new PrismaPg(poolOf(tx.client)) });
  clients.set(tx, prisma);
  return prisma;
}

export const prismaInventory: Inventory = {
  name: 'Prisma',
  cpusBySite: async (tx) => {
    const sites = await prismaOf(tx).machine.groupBy({
      by: ['site'],
      where: { deletedAt: null },
      _sum: { cpus: true },
      orderBy: { site: 'asc' },
    });
    return sites.map(({ site, _sum: { cpus } }) => ({ site, cpus: cpus ?? 0 }));
  },
  moveMachines: async (tx, from, to) => {
    const moved = await prismaOf(tx).machine.updateManyAndReturn({
      where: { site: from, deletedAt: null },
      data: { site: to },
      select: { id: true },
    });
    return moved.map(({ id }) => id).sort();
  },
};
