import { type DbRole, type ErrorName, IntendantError } from '../index.ts';

/** The properties of a table in the model that determine who sees which row. */
export interface ModelTable {
  readonly name: string;
  readonly tenanted: boolean;
  readonly instanced: boolean;
  readonly revisioned: boolean;
  readonly softDelete: boolean;
}

export interface ModelCaller {
  readonly orgId: string;
  readonly instanceId: string;
  readonly role: DbRole;
}

export interface ModelRow {
  readonly orgId: string;
  readonly instanceId: string;
  readonly id: string;
  readonly value: number;
  readonly revision: number;
  readonly isDeleted: boolean;
  readonly createdAt: number;
}

/** How a caller identifies a row. Omitted ids are the caller's own. */
export interface ModelInput {
  readonly id: string;
  readonly value: number;
  readonly orgId?: string | undefined;
  readonly instanceId?: string | undefined;
  readonly revision?: number | undefined;
}

/** An error that the rules require, by the name of its class. */
class Expected extends Error {
  constructor(name: ErrorName) {
    super(name);
    this.name = name;
  }
}

export const nameOfError = (error: unknown): string => {
  if (error instanceof Expected || error instanceof IntendantError) return error.name;
  throw error;
};

/** A model of the data store over rows in memory, independent of the store: what each operation must return. */
export class StoreModel {
  #rows = new Map<string, ModelRow>();

  snapshot(): ReadonlyMap<string, ModelRow> {
    return new Map(this.#rows);
  }

  restore(rows: ReadonlyMap<string, ModelRow>): void {
    this.#rows = new Map(rows);
  }

  insert(table: ModelTable, caller: ModelCaller, input: ModelInput, createdAt: number): ModelRow {
    const { key, orgId, instanceId } = this.#forWriting(table, caller, input);
    if (this.#rows.has(key)) throw new Expected('DuplicateRecordError');
    const revision = table.revisioned ? (input.revision ?? 1) : 0;
    return this.#put(key, { ...input, orgId, instanceId, revision, isDeleted: false, createdAt });
  }

  insertMany(table: ModelTable, caller: ModelCaller, inputs: readonly ModelInput[], createdAt: number): ModelRow[] {
    const before = this.snapshot();
    try {
      return inputs.map((input) => this.insert(table, caller, input, createdAt));
    } catch (error) {
      this.restore(before);
      throw error;
    }
  }

  update(table: ModelTable, caller: ModelCaller, input: ModelInput): ModelRow {
    const { key } = this.#forWriting(table, caller, input);
    const row = this.#rows.get(key);
    if (!row || row.isDeleted) throw new Expected('RecordNotFoundError');
    if (table.revisioned && row.revision !== input.revision) throw new Expected('RevisionConflictError');
    return this.#put(key, { ...row, value: input.value, revision: next(table, row) });
  }

  upsert(table: ModelTable, caller: ModelCaller, input: ModelInput, createdAt: number): ModelRow {
    const { key } = this.#forWriting(table, caller, input);
    const row = this.#rows.get(key);
    if (!row && table.revisioned && input.revision !== undefined && input.revision > 0)
      throw new Expected('RevisionConflictError');
    if (!row) return this.insert(table, caller, { ...input, revision: 1 }, createdAt);
    if (table.revisioned && input.revision !== undefined && row.revision !== input.revision)
      throw new Expected('RevisionConflictError');
    return this.#put(key, { ...row, value: input.value, revision: next(table, row), isDeleted: false });
  }

  softDelete(table: ModelTable, caller: ModelCaller, input: ModelInput): number {
    const key = this.#forWriting(table, caller, input).key;
    const row = this.#rows.get(key);
    if (!row || row.isDeleted) return 0;
    checkRevision(table, row, input);
    this.#put(key, { ...row, isDeleted: true, revision: next(table, row) });
    return 1;
  }

  delete(table: ModelTable, caller: ModelCaller, input: ModelInput): number {
    const key = this.#forWriting(table, caller, input).key;
    const row = this.#rows.get(key);
    if (!row) return 0;
    checkRevision(table, row, input);
    this.#rows.delete(key);
    return 1;
  }

  deleteMany(table: ModelTable, caller: ModelCaller, matches: (row: ModelRow) => boolean): number {
    if (!caller.role.endsWith('writer')) throw new Expected('OperationNotAllowedError');
    const doomed = this.visible(table, caller, true).filter(matches);
    for (const row of doomed) this.#rows.delete(keyOf(table, row));
    return doomed.length;
  }

  find(
    table: ModelTable,
    caller: ModelCaller,
    named: Pick<ModelInput, 'id' | 'orgId' | 'instanceId'>,
    includeDeleted: boolean,
  ): ModelRow {
    this.#checkNamed(table, caller, named);
    const found = this.visible(table, caller, includeDeleted).filter(
      (row) =>
        row.id === named.id &&
        (!table.tenanted || named.orgId === undefined || row.orgId === named.orgId) &&
        (!table.instanced || named.instanceId === undefined || row.instanceId === named.instanceId),
    );
    if (found.length > 1) throw new Expected('InvalidRecordError');
    if (!found[0]) throw new Expected('RecordNotFoundError');
    return found[0];
  }

  /** All rows that the caller sees, in key order. */
  visible(table: ModelTable, { role, orgId, instanceId }: ModelCaller, includeDeleted: boolean): ModelRow[] {
    const isOfOrg = (row: ModelRow) => !table.tenanted || !role.startsWith('tenant_') || row.orgId === orgId;
    const isOfInstance = (row: ModelRow) => !table.instanced || row.instanceId === instanceId;
    return [...this.#rows.entries()]
      .filter(([key, row]) => key.startsWith(`${table.name}|`) && isOfOrg(row) && isOfInstance(row))
      .map(([, row]) => row)
      .filter((row) => includeDeleted || !row.isDeleted)
      .toSorted(
        (a, b) => compareText(a.orgId, b.orgId) || compareText(a.instanceId, b.instanceId) || compareText(a.id, b.id),
      );
  }

  #forWriting(table: ModelTable, caller: ModelCaller, input: ModelInput) {
    this.#checkNamed(table, caller, input);
    if (!caller.role.endsWith('writer')) throw new Expected('OperationNotAllowedError');
    const orgId = table.tenanted ? (input.orgId ?? caller.orgId) : '';
    const instanceId = table.instanced ? (input.instanceId ?? caller.instanceId) : '';
    return { orgId, instanceId, key: keyOf(table, { orgId, instanceId, id: input.id }) };
  }

  /** In a store with an instancer every role is limited to its instance, on tables with instances. */
  #checkNamed(table: ModelTable, caller: ModelCaller, named: Partial<ModelInput>): void {
    const namesOtherOrg = table.tenanted && named.orgId !== undefined && named.orgId !== caller.orgId;
    const namesOtherInstance =
      table.instanced && named.instanceId !== undefined && named.instanceId !== caller.instanceId;
    if ((namesOtherOrg && caller.role.startsWith('tenant_')) || namesOtherInstance)
      throw new Expected('OperationNotAllowedError');
  }

  #put(key: string, row: ModelRow): ModelRow {
    this.#rows.set(key, row);
    return row;
  }
}

const keyOf = ({ name }: ModelTable, { orgId, instanceId, id }: Pick<ModelRow, 'orgId' | 'instanceId' | 'id'>) =>
  `${name}|${JSON.stringify([orgId, instanceId, id])}`;

const next = ({ revisioned }: ModelTable, { revision }: ModelRow): number => (revisioned ? revision + 1 : 0);

function checkRevision({ revisioned }: ModelTable, row: ModelRow, { revision }: ModelInput): void {
  if (revisioned && revision !== undefined && revision !== row.revision) throw new Expected('RevisionConflictError');
}

const compareText = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0);
