import { internalsOf } from '@intendant/core/internal';
import { cannotHoldOnCitus, eventually } from '@intendant/devdb/testing';
import { expect, test } from 'vitest';
import { openFixture } from '../testing/fixture.ts';

test.skipIf(cannotHoldOnCitus('the nodes analyze their own shards'))(
  'a table that has grown to several times of what the planner knows is analyzed',
  async () => {
    await using fixture = await openFixture();
    const store = internalsOf(fixture.store);
    const known = async (): Promise<number> => {
      const { rows } = await store.pool.query(
        "select reltuples::int as known from pg_class where oid = 'public.vm'::regclass",
      );
      return rows[0].known;
    };
    await store.withAdmin((client) =>
      client.query(
        "insert into public.vm (org_id, id, name) select 'Pepsi', 'VM' || n, '' from generate_series(1, 3000) n",
      ),
    );
    fixture.realization.maintenance.start();
    await eventually(async () => expect(await known()).toBe(3000), { timeoutMs: 20_000 });
  },
);
