import { eventually } from '@intendant/devdb/testing';
import { afterAll, expect, test } from 'vitest';
import { openFixture, pepsi, vm } from '../testing/fixture.ts';

const fixture = await openFixture();
const { realization, subscriptions } = fixture;
afterAll(() => fixture[Symbol.asyncDispose]());

test('status tables have a feed like any other table', async () => {
  const seen: string[] = [];
  for (const table of ['vm', 'overall_status_vm', 'enforcement_status_vm'])
    await subscriptions.subscribe(
      table,
      ({ operation, key, orgId }) =>
        seen.push(`${table} ${operation} ${Object.values(key).toSorted().join()} ${orgId}`),
      { as: pepsi },
    );
  const session = realization.as(pepsi);
  const { record } = await session.persistIntent(vm, { id: 'VM1', name: 'x' }, { enforcementPoints: ['E1'] });
  await session.markSuccess(vm, record, 'E1');
  const overall = (operation: string) => `overall_status_vm ${operation} VM1 Pepsi`;
  const enforcement = (operation: string) => `enforcement_status_vm ${operation} E1,VM1 Pepsi`;
  await eventually(() => {
    for (const line of [
      'vm insert VM1 Pepsi',
      overall('insert'),
      overall('update'),
      enforcement('insert'),
      enforcement('update'),
    ])
      expect(seen).toContain(line);
  });
});
