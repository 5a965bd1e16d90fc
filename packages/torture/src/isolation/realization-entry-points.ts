import type { Random } from '../random.ts';
import { SECRET_MARK } from '../world/tables.ts';
import { type Caller, instanceMark, otherOrg } from './caller.ts';
import type { EntryPoint, SystemUnderTest } from './entry-point.ts';
import { anyKey, HOSTILE, pollution } from './hostile-strings.ts';
import { cell } from './tables.ts';

const session = ({ realization }: SystemUnderTest, { context }: Caller) => realization.as(context);

const record = (caller: Caller, random: Random) => ({
  id: anyKey(random),
  value: `${instanceMark(caller)} ${SECRET_MARK} ${random.chance(0.2) ? random.pick(HOSTILE) : random.below(1e6)}`,
});

const PLACED = { enforcementPoints: ['E0', 'E1'], allowUnknownPoints: true };

export const REALIZATION_ENTRY_POINTS: readonly EntryPoint[] = [
  {
    name: 'persistIntent',
    writes: true,
    call: (system, caller, random) => session(system, caller).persistIntent(cell, record(caller, random), PLACED),
  },
  {
    name: 'persistIntent for another org',
    writes: true,
    call: (system, caller, random) =>
      session(system, caller).persistIntent(
        cell,
        { ...record(caller, random), orgId: otherOrg(caller, random) },
        PLACED,
      ),
  },
  {
    name: 'persistIntents',
    writes: true,
    call: (system, caller, random) =>
      session(system, caller).persistIntents(
        cell,
        ['r0', 'r1', 'r2'].map((id) => ({ ...record(caller, random), id })),
        PLACED,
      ),
  },
  {
    name: 'submit.persistIntent',
    writes: true,
    call: (system, caller, random) => session(system, caller).submit.persistIntent(cell, record(caller, random)),
  },
  {
    name: 'markError',
    writes: true,
    call: async (system, caller, random) => {
      const id = anyKey(random);
      const { overall } = await session(system, caller).getOverallStatusWithEnforcementDetails(cell, id);
      const reference = { id, revision: Math.max(1, overall.revision) };
      return session(system, caller).markError(cell, reference, 'M0', `${instanceMark(caller)} is dark`);
    },
  },
  {
    name: 'getOverallStatusWithEnforcementDetails',
    call: (system, caller, random) =>
      session(system, caller).getOverallStatusWithEnforcementDetails(cell, anyKey(random)),
  },
  {
    name: 'statuses',
    call: (system, caller, random) => session(system, caller).statuses(cell, ['r1', 'r2', anyKey(random)]),
  },
  {
    name: 'list',
    call: (system, caller, random) =>
      session(system, caller).list(cell, {
        ...(random.chance(0.5) && { status: ['ERROR', 'REALIZED', 'PENDING'] }),
        ...(random.chance(0.3) && { where: random.pick([{ id: anyKey(random) }, pollution()]) as never }),
      }),
  },
  { name: 'history', call: (system, caller, random) => session(system, caller).history(cell, anyKey(random)) },
  { name: 'summary', call: (system, caller) => session(system, caller).summary() },
  { name: 'points', call: (system, caller) => session(system, caller).points() },
  { name: 'detail', call: (system, caller, random) => session(system, caller).detail(cell, anyKey(random)) },
  {
    name: 'retry',
    call: (system, caller, random) =>
      session(system, caller).retry(cell, random.pick([anyKey(random), { status: 'ERROR' }])),
  },
  {
    name: 'softDelete',
    call: (system, caller, random) => session(system, caller).softDelete(cell, anyKey(random)),
  },
  { name: 'delete', call: (system, caller, random) => session(system, caller).delete(cell, anyKey(random)) },
];
