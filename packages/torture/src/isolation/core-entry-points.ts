import type { Random } from '../random.ts';
import { SECRET_MARK } from '../world/tables.ts';
import { type Caller, orgMark, otherOrg } from './caller.ts';
import type { EntryPoint, SystemUnderTest } from './entry-point.ts';
import { anyKey, HOSTILE, pollution } from './hostile-strings.ts';
import { doc } from './tables.ts';

const session = ({ store }: SystemUnderTest, { context }: Caller) => store.as(context);

/** A record of the caller's own; sometimes its JSON contains a prototype. */
const record = (caller: Caller, random: Random) => ({
  id: anyKey(random),
  value: `${orgMark(caller)} ${SECRET_MARK} ${random.chance(0.2) ? random.pick(HOSTILE) : random.below(1e6)}`,
  json: random.chance(0.2) ? pollution() : { of: orgMark(caller) },
});

/** A filter that asks for more than the caller may see. */
const broadFilter = (random: Random): Record<string, unknown> =>
  random.pick([
    { id: anyKey(random) },
    { value: { contains: SECRET_MARK } },
    { value: `~o1~ ${SECRET_MARK} 1` },
    pollution(),
    { orgId: { in: ['o0', 'o1', 'o2', 'o3'] } },
    { or: [{ id: 'r1' }, {}] },
  ]);

export const CORE_ENTRY_POINTS: readonly EntryPoint[] = [
  {
    name: 'core insert',
    writes: true,
    call: (system, caller, random) => session(system, caller).insert(doc, record(caller, random)),
  },
  {
    name: 'core upsert',
    writes: true,
    call: (system, caller, random) => session(system, caller).upsert(doc, record(caller, random)),
  },
  {
    name: 'core upsert into another org',
    writes: true,
    call: (system, caller, random) =>
      session(system, caller).upsert(doc, { ...record(caller, random), orgId: otherOrg(caller, random) }),
  },
  { name: 'core find', call: (system, caller, random) => session(system, caller).find(doc, anyKey(random)) },
  {
    name: "core find of another org's",
    call: (system, caller, random) =>
      session(system, caller).find(doc, { id: anyKey(random), orgId: otherOrg(caller, random) } as never),
  },
  {
    name: 'core findMany',
    call: (system, caller, random) =>
      session(system, caller).findMany(doc, {
        includeDeleted: random.chance(0.5),
        ...(random.chance(0.6) && { where: broadFilter(random) as never }),
        ...(random.chance(0.3) && { orderBy: { [random.pick(HOSTILE)]: 'asc' } as never }),
      }),
  },
  {
    name: 'core count',
    call: (system, caller, random) => session(system, caller).count(doc, { where: broadFilter(random) as never }),
  },
  {
    name: 'core softDelete',
    call: (system, caller, random) => session(system, caller).softDelete(doc, anyKey(random)),
  },
  { name: 'core delete', call: (system, caller, random) => session(system, caller).delete(doc, anyKey(random)) },
  {
    name: 'core transaction',
    call: (system, caller, random) =>
      session(system, caller).transaction(
        async (tx) => [await tx.find(doc, anyKey(random)).catch(() => undefined), await tx.findMany(doc)],
        { tables: [doc] },
      ),
  },
  {
    name: 'a context with a prototype',
    call: ({ store }, { context }) => store.as({ ...pollution(), ...context } as never).findMany(doc),
  },
];
