import { expect, test } from 'vitest';
import { on } from './index.ts';
import { openFixture, pepsi, vm } from './testing/fixture.ts';

/** Also a call that throws at once. */
const attempt = async (call: () => unknown): Promise<unknown> => call();

test('every method of a closed realization says that it is closed', async () => {
  await using fixture = await openFixture();
  const { realization, store, subscriptions } = fixture;
  const handlers = [on(vm, { realize: async () => {} })];
  const r = realization.as(pepsi);
  const { record } = await r.persistIntent(vm, { id: 'VM1', name: '' }, { enforcementPoints: ['E1'] });
  const early = realization.worker({ enforcementPoint: 'E1', handlers });
  const submitted = await r.submit.markSuccess(vm, record, 'E1');
  await submitted.result({ timeoutMs: 10_000 });
  await Promise.all([realization.close(), realization.close()]);

  const calls: (() => unknown)[] = [
    () => r.persistIntent(vm, record),
    () => r.persistIntents(vm, [record]),
    () => r.markSuccess(vm, record, 'E1'),
    () => r.softDelete(vm, 'VM1'),
    () => r.getOverallStatus(vm, 'VM1'),
    () => r.statuses(vm, ['VM1']),
    () => r.list(vm),
    () => r.retry(vm, 'VM1'),
    () => r.waitFor(vm, 'VM1', { status: 'PENDING' }),
    () => r.submit.markSuccess(vm, record, 'E1'),
    () => store.as(pepsi).transaction((tx) => realization.in(tx).persistIntent(vm, record)),
    () => realization.register([vm]),
    () => realization.worker({ enforcementPoint: 'E1', handlers }),
    () => early.start(),
    () => early.drain(),
    () => realization.points.announce({ id: 'E1' }),
    () => realization.points.add({ id: 'E1' }),
    () => realization.points.remove('E1'),
    () => realization.maintenance.start(),
  ];
  for (const call of calls)
    await expect(attempt(call), call.toString()).rejects.toThrow(
      'this realization is closed; create another with createRealization',
    );
  await early.stop();
  await realization.maintenance.stop();

  await subscriptions.close();
  for (const call of [() => subscriptions.subscribe('vm', () => {}), () => subscriptions.list()])
    await expect(attempt(call)).rejects.toThrow(/these subscriptions are closed/);
});

test('handlers may use sessions while their realization closes', async () => {
  await using fixture = await openFixture();
  const r = fixture.realization.as(pepsi);
  const [begun, go] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const worker = fixture.realization.worker({
    enforcementPoint: 'E1',
    handlers: [
      on(vm, {
        realize: async () => {
          begun.resolve();
          await go.promise;
          await r.persistIntent(vm, { id: 'VM2', name: 'from a handler' });
        },
      }),
    ],
  });
  await worker.start();
  await r.persistIntent(vm, { id: 'VM1', name: '' }, { enforcementPoints: ['E1'] });
  await begun.promise;
  const closing = fixture.realization.close();
  go.resolve();
  await closing;
  expect((await fixture.store.as(pepsi).find(vm, 'VM2')).name).toBe('from a handler');
});
