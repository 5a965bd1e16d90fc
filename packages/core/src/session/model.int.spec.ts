import { atScale, isOnCitus } from '@intendant/devdb/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { auditIsolation, DB_ROLES, type Session } from '../index.ts';
import { openTestStore } from '../testing/fixtures.ts';
import { modelTables, type Operation, type Step, step, tables } from '../testing/model-steps.ts';
import {
  type ModelCaller,
  type ModelInput,
  type ModelRow,
  type ModelTable,
  nameOfError,
  StoreModel,
} from '../testing/store-model.ts';

/*
 * Clients run at the same time. Each has its own tenants and keys and does one operation after the other, so that a model
 * in memory knows what every operation must return. The clients share tables, connections and prepared statements.
 */
const CLIENTS = 20;
const OPERATIONS_PER_CLIENT = Math.ceil(atScale(2_000, 100_000) / CLIENTS);
const seed = Number(process.env['INTENDANT_SEED']);

const definitionOf = ({ name }: ModelTable) => tables[name as 'tenanted'];

const fixture = await openTestStore({ pool: { max: 12 } });
const { store } = fixture;
beforeAll(() =>
  store.register(Object.values(tables), { roles: Object.fromEntries(DB_ROLES.map((role) => [role, role])) }),
);
afterAll(() => fixture[Symbol.asyncDispose]());

class Client {
  readonly model = new StoreModel();
  operations = 0;
  readonly #name: string;

  constructor(index: number) {
    this.#name = `client${String(index).padStart(2, '0')}`;
  }

  async run(program: readonly Step[]): Promise<void> {
    for (const { caller: who, operations, isTransaction, fails } of program) {
      if (this.operations >= OPERATIONS_PER_CLIENT) return;
      const by: ModelCaller = { orgId: this.#org(who.org), instanceId: who.instance, role: who.role };
      const session = store.as({ orgId: by.orgId, instanceId: by.instanceId, roles: [by.role] });
      // On Citus transactions that write to shared tables lock each other on all nodes, and may end as deadlocks.
      if (!isTransaction || isOnCitus()) for (const operation of operations) await this.#check(session, by, operation);
      else await this.#transaction(session, by, operations, fails);
    }
  }

  /** Each operation behind a savepoint, so that one that is refused leaves the transaction usable. */
  async #transaction(
    session: ReturnType<typeof store.as>,
    by: ModelCaller,
    operations: readonly Operation[],
    fails: boolean,
  ) {
    const before = this.model.snapshot();
    const attempt = session.transaction(
      async (tx) => {
        for (const operation of operations)
          await tx
            .transaction((inner) => this.#check(inner, by, operation, true), { savepoint: true })
            .catch((error) => {
              if (error !== REFUSED) throw error;
            });
        if (fails) throw REFUSED;
      },
      { tables: operations.map(({ table }) => definitionOf(table)) },
    );
    await attempt.catch((error) => {
      if (error !== REFUSED) throw error;
      this.model.restore(before);
    });
  }

  async #check(session: Session, by: ModelCaller, operation: Operation, undoesRefused = false): Promise<void> {
    this.operations++;
    const input = this.#input(by, operation);
    const actual = await outcome(() => this.#perform(session, operation, input));
    const createdAt = actual.value instanceof Date ? 0 : createdAtOf(actual.value);
    const expected = await outcome(async () => this.#expect(by, operation, input, createdAt));
    expect(simplify(actual, operation.table), `seed ${seed}: ${JSON.stringify({ by, operation, input })}`).toEqual(
      simplify(expected, operation.table),
    );
    if (actual.error && undoesRefused) throw REFUSED;
  }

  #input(
    by: ModelCaller,
    { table, id, value, orgId, instanceId, revision, usesStoredRevision }: Operation,
  ): ModelInput {
    const key = {
      id: this.#id(id),
      ...(orgId !== null && table.tenanted && { orgId: this.#org(orgId) }),
      ...(instanceId !== null && table.instanced && { instanceId }),
    };
    const own = { orgId: by.orgId, instanceId: by.instanceId, ...key };
    const stored = this.model
      .visible(table, by, true)
      .find(
        (row) =>
          row.id === own.id &&
          (!table.tenanted || row.orgId === own.orgId) &&
          (!table.instanced || row.instanceId === own.instanceId),
      );
    const carried = usesStoredRevision ? stored?.revision : (revision ?? undefined);
    return { ...key, value, ...(table.revisioned && carried !== undefined && { revision: carried }) };
  }

  async #perform(session: Session, operation: Operation, input: ModelInput): Promise<unknown> {
    const table = definitionOf(operation.table);
    const { value: _value, revision, ...named } = input;
    const key = named as { id: string };
    const where = { id: { like: `${this.#name}-%` }, value: { gte: operation.value } };
    const expected = revision === undefined ? {} : { revision };
    switch (operation.kind) {
      case 'insert':
        return session.insert(table, input as never);
      case 'insertMany':
        return session.insertMany(table, this.#several(input) as never);
      case 'update':
        return session.update(table, { revision: 1, ...input } as never);
      case 'upsert':
        return session.upsert(table, input as never);
      case 'softDelete':
        return operation.table.softDelete ? session.softDelete(table, key, expected) : 0;
      case 'delete':
        return session.delete(table, key, expected);
      case 'find':
        return session.find(table, key, { includeDeleted: operation.includeDeleted });
      case 'count':
        return session.count(table, { where, includeDeleted: operation.includeDeleted });
      case 'deleteMany':
        return session.deleteMany(table, { where });
      default:
        return session.findMany(table, {
          where,
          limit: operation.limit,
          offset: operation.offset,
          includeDeleted: operation.includeDeleted,
          ...(operation.isDescending && { orderBy: { value: 'desc' } as const }),
        });
    }
  }

  #expect(by: ModelCaller, operation: Operation, input: ModelInput, createdAt: number): unknown {
    const { table, includeDeleted, limit, offset } = operation;
    const matches = (row: ModelRow) => row.value >= operation.value;
    switch (operation.kind) {
      case 'insert':
        return this.model.insert(table, by, input, createdAt);
      case 'insertMany':
        return this.model.insertMany(table, by, this.#several(input), createdAt);
      case 'update':
        return this.model.update(table, by, { revision: 1, ...input });
      case 'upsert':
        return this.model.upsert(table, by, input, createdAt);
      case 'softDelete':
        return table.softDelete ? this.model.softDelete(table, by, input) : 0;
      case 'delete':
        return this.model.delete(table, by, input);
      case 'find':
        return this.model.find(table, by, input, includeDeleted);
      case 'count':
        return this.model.visible(table, by, includeDeleted).filter(matches).length;
      case 'deleteMany':
        return this.model.deleteMany(table, by, matches);
      default: {
        const rows = this.model.visible(table, by, includeDeleted).filter(matches);
        return (operation.isDescending ? rows.toSorted((a, b) => b.value - a.value) : rows).slice(
          offset,
          offset + limit,
        );
      }
    }
  }

  #several(input: ModelInput): ModelInput[] {
    return [input, { ...input, id: `${input.id}+` }, { ...input, id: `${input.id}++` }];
  }

  #org(index: number): string {
    return `${this.#name}-org'${index}`;
  }

  #id(index: number): string {
    return `${this.#name}-${index}`;
  }
}

const REFUSED = new Error('refused, as expected');

interface Outcome {
  readonly value?: unknown;
  readonly error?: string;
}

async function outcome(run: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { value: await run() };
  } catch (error) {
    return { error: nameOfError(error) };
  }
}

const createdAtOf = (value: unknown): number => {
  const [first] = [value].flat() as { createdAt?: Date }[];
  return first?.createdAt instanceof Date ? first.createdAt.getTime() : 0;
};

/** A record and a row of the model in one form. */
function simplify({ value, error }: Outcome, table: ModelTable): unknown {
  if (error !== undefined) return { error };
  if (Array.isArray(value)) return value.map((row) => simplifyRow(row, table));
  return typeof value === 'object' ? simplifyRow(value as ModelRow, table) : value;
}

function simplifyRow(row: ModelRow | { deletedAt?: Date | null }, table: ModelTable): object {
  const { orgId, instanceId, id, value, revision, createdAt, isDeleted } = row as ModelRow;
  const deletedAt = (row as { deletedAt?: Date | null }).deletedAt;
  return {
    id,
    value,
    createdAt: Number(createdAt),
    ...(table.tenanted && { orgId }),
    ...(table.instanced && { instanceId }),
    ...(table.revisioned && { revision }),
    ...(table.softDelete && { isDeleted: isDeleted ?? deletedAt !== null }),
  };
}

test(`hundreds of tenants in every role do random things at once, and each sees what a model says it must (seed ${seed})`, async () => {
  const clients = Array.from({ length: CLIENTS }, (_, index) => new Client(index));
  const programs = clients.map((_, index) => fc.sample(step, { seed: seed + index, numRuns: OPERATIONS_PER_CLIENT }));
  await Promise.all(clients.map((client, index) => client.run(programs[index] as Step[])));
  expect(clients.reduce((sum, client) => sum + client.operations, 0)).toBeGreaterThanOrEqual(
    OPERATIONS_PER_CLIENT * CLIENTS,
  );

  const all: ModelCaller = { orgId: 'x', instanceId: '', role: 'reader' };
  for (const table of modelTables)
    for (const instanceId of ['Americas', 'Europe', 'Asia']) {
      const stored = await store
        .as({ instanceId, roles: ['reader'] })
        .findMany(definitionOf(table), { limit: 1_000_000, includeDeleted: true });
      const expected = clients.flatMap((client) => client.model.visible(table, { ...all, instanceId }, true));
      expect(new Set(stored.map((row) => JSON.stringify(simplifyRow(row, table))))).toEqual(
        new Set(expected.map((row) => JSON.stringify(simplifyRow(row, table)))),
      );
      expect(stored).toHaveLength(expected.length);
    }
  expect(await auditIsolation(store)).toEqual([]);
}, 3_600_000);
