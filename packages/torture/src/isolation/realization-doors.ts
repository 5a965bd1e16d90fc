import type { Random } from '../random.ts';
import { SECRET_MARK } from '../world/tables.ts';
import { type Caller, instanceMark, otherOrg } from './caller.ts';
import type { Building, Door } from './door.ts';
import { anyKey, HOSTILE, pollution } from './hostile-strings.ts';
import { cell } from './tables.ts';

const session = ({ realization }: Building, { context }: Caller) => realization.as(context);

const record = (caller: Caller, random: Random) => ({
  id: anyKey(random),
  value: `${instanceMark(caller)} ${SECRET_MARK} ${random.chance(0.2) ? random.pick(HOSTILE) : random.below(1e6)}`,
});

const PLACED = { enforcementPoints: ['E0', 'E1'], allowUnknownPoints: true };

export const REALIZATION_DOORS: readonly Door[] = [
  {
    name: 'persistIntent',
    writes: true,
    open: (building, caller, random) => session(building, caller).persistIntent(cell, record(caller, random), PLACED),
  },
  {
    name: 'persistIntent for another org',
    writes: true,
    open: (building, caller, random) =>
      session(building, caller).persistIntent(
        cell,
        { ...record(caller, random), orgId: otherOrg(caller, random) },
        PLACED,
      ),
  },
  {
    name: 'persistIntents',
    writes: true,
    open: (building, caller, random) =>
      session(building, caller).persistIntents(
        cell,
        ['r0', 'r1', 'r2'].map((id) => ({ ...record(caller, random), id })),
        PLACED,
      ),
  },
  {
    name: 'submit.persistIntent',
    writes: true,
    open: (building, caller, random) => session(building, caller).submit.persistIntent(cell, record(caller, random)),
  },
  {
    name: 'markError',
    writes: true,
    open: async (building, caller, random) => {
      const id = anyKey(random);
      const { overall } = await session(building, caller).getOverallStatusWithEnforcementDetails(cell, id);
      const reference = { id, revision: Math.max(1, overall.revision) };
      return session(building, caller).markError(cell, reference, 'M0', `${instanceMark(caller)} is dark`);
    },
  },
  {
    name: 'getOverallStatusWithEnforcementDetails',
    open: (building, caller, random) =>
      session(building, caller).getOverallStatusWithEnforcementDetails(cell, anyKey(random)),
  },
  {
    name: 'statuses',
    open: (building, caller, random) => session(building, caller).statuses(cell, ['r1', 'r2', anyKey(random)]),
  },
  {
    name: 'list',
    open: (building, caller, random) =>
      session(building, caller).list(cell, {
        ...(random.chance(0.5) && { status: ['ERROR', 'REALIZED', 'PENDING'] }),
        ...(random.chance(0.3) && { where: random.pick([{ id: anyKey(random) }, pollution()]) as never }),
      }),
  },
  { name: 'history', open: (building, caller, random) => session(building, caller).history(cell, anyKey(random)) },
  { name: 'summary', open: (building, caller) => session(building, caller).summary() },
  { name: 'points', open: (building, caller) => session(building, caller).points() },
  { name: 'detail', open: (building, caller, random) => session(building, caller).detail(cell, anyKey(random)) },
  {
    name: 'retry',
    open: (building, caller, random) =>
      session(building, caller).retry(cell, random.pick([anyKey(random), { status: 'ERROR' }])),
  },
  {
    name: 'softDelete',
    open: (building, caller, random) => session(building, caller).softDelete(cell, anyKey(random)),
  },
  { name: 'delete', open: (building, caller, random) => session(building, caller).delete(cell, anyKey(random)) },
];
