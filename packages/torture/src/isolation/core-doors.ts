import type { Random } from '../random.ts';
import { SECRET_MARK } from '../world/tables.ts';
import { type Caller, orgMark, otherOrg } from './caller.ts';
import type { Building, Door } from './door.ts';
import { anyKey, HOSTILE, pollution } from './hostile-strings.ts';
import { doc } from './tables.ts';

const session = ({ store }: Building, { context }: Caller) => store.as(context);

/** A record of the caller's own; sometimes its JSON contains a prototype. */
const record = (caller: Caller, random: Random) => ({
  id: anyKey(random),
  value: `${orgMark(caller)} ${SECRET_MARK} ${random.chance(0.2) ? random.pick(HOSTILE) : random.below(1e6)}`,
  json: random.chance(0.2) ? pollution() : { of: orgMark(caller) },
});

/** A filter that asks for more than the caller may see. */
const greedyFilter = (random: Random): Record<string, unknown> =>
  random.pick([
    { id: anyKey(random) },
    { value: { contains: SECRET_MARK } },
    { value: `~o1~ ${SECRET_MARK} 1` },
    pollution(),
    { orgId: { in: ['o0', 'o1', 'o2', 'o3'] } },
    { or: [{ id: 'r1' }, {}] },
  ]);

export const CORE_DOORS: readonly Door[] = [
  {
    name: 'core insert',
    writes: true,
    open: (building, caller, random) => session(building, caller).insert(doc, record(caller, random)),
  },
  {
    name: 'core upsert',
    writes: true,
    open: (building, caller, random) => session(building, caller).upsert(doc, record(caller, random)),
  },
  {
    name: 'core upsert into another org',
    writes: true,
    open: (building, caller, random) =>
      session(building, caller).upsert(doc, { ...record(caller, random), orgId: otherOrg(caller, random) }),
  },
  { name: 'core find', open: (building, caller, random) => session(building, caller).find(doc, anyKey(random)) },
  {
    name: "core find of another org's",
    open: (building, caller, random) =>
      session(building, caller).find(doc, { id: anyKey(random), orgId: otherOrg(caller, random) } as never),
  },
  {
    name: 'core findMany',
    open: (building, caller, random) =>
      session(building, caller).findMany(doc, {
        includeDeleted: random.chance(0.5),
        ...(random.chance(0.6) && { where: greedyFilter(random) as never }),
        ...(random.chance(0.3) && { orderBy: { [random.pick(HOSTILE)]: 'asc' } as never }),
      }),
  },
  {
    name: 'core count',
    open: (building, caller, random) => session(building, caller).count(doc, { where: greedyFilter(random) as never }),
  },
  {
    name: 'core softDelete',
    open: (building, caller, random) => session(building, caller).softDelete(doc, anyKey(random)),
  },
  { name: 'core delete', open: (building, caller, random) => session(building, caller).delete(doc, anyKey(random)) },
  {
    name: 'core transaction',
    open: (building, caller, random) =>
      session(building, caller).transaction(
        async (tx) => [await tx.find(doc, anyKey(random)).catch(() => undefined), await tx.findMany(doc)],
        { tables: [doc] },
      ),
  },
  {
    name: 'a context with a prototype',
    open: ({ store }, { context }) => store.as({ ...pollution(), ...context } as never).findMany(doc),
  },
];
