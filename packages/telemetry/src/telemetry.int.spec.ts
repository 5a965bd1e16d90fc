import { readFileSync } from 'node:fs';
import { createDataStore, type DataStore, defineTable } from '@intendant/core';
import { eventually, type TestDatabase, testDatabase, withClient } from '@intendant/devdb/testing';
import { createRealization, on, type Realization, type RealizationSession, type Worker } from '@intendant/realization';
import { createSubscriptions, type Subscriptions } from '@intendant/subscription';
import { context, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { Registry } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { createMetrics, type PrometheusMetrics, reportMetrics } from './index.ts';
import { COUNTERS, GAUGES, HISTOGRAMS } from './metric.ts';

const ACME = { orgId: 'acme', roles: ['tenant_admin'] };
const delivered: unknown[] = [];
let acme: RealizationSession;

const vm = defineTable('vm', { schema: z.object({ id: z.string(), name: z.string() }) });

/** A reader that collects on request. */
class ManualReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

const spans = new InMemorySpanExporter();
const reader = new ManualReader();
let database: TestDatabase;
let store: DataStore;
let subscriptions: Subscriptions;
let realization: Realization;
let worker: Worker;
let prometheus: PrometheusMetrics;
let stopReporting: () => void;

beforeAll(async () => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  database = await testDatabase();
  store = await createDataStore({ connection: database.url, adminConnection: database.adminUrl });
  subscriptions = await createSubscriptions({ store });
  realization = await createRealization({ store, subscriptions });
  await realization.register([vm], { roles: { tenant_admin: 'tenant_writer' } });
  prometheus = createMetrics({ store, realization, subscriptions, databaseIntervalMs: 0 });
  stopReporting = reportMetrics({ store, realization, subscriptions });
  await subscriptions.subscribe('vm', async ({ key }) => void delivered.push(key['id']), { name: 'billing' });
  worker = realization.worker({
    enforcementPoint: 'E1',
    labels: {},
    retry: { limit: 2, minDelayMs: 1 },
    handlers: [
      on(vm, {
        realize: async ({ record }, { session }) => {
          await session.count(vm);
          if (record.name === 'broken') throw new Error('a secret of the tenant');
        },
      }),
    ],
  });
  await worker.start();
  acme = realization.as(ACME);
  await acme.persistIntent(vm, { id: 'VM1', name: 'web' }, { enforcementPoints: ['E1'] });
  await acme.persistIntent(vm, { id: 'VM2', name: 'broken' }, { enforcementPoints: ['E1'] });
  await acme.waitFor(vm, 'VM1', { status: 'REALIZED', timeoutMs: 20_000 });
  await eventually(async () => expect(await sampleOf('intendant_attempts_total', { outcome: 'failed' })).toBe(2));
});

afterAll(async () => {
  stopReporting?.();
  prometheus?.close();
  await realization?.close();
  await subscriptions?.close();
  await store?.close();
  await database?.drop();
  trace.disable();
  metrics.disable();
  context.disable();
});

/** The sum of a metric's samples that have these labels; undefined when there is none. */
async function sampleOf(name: string, labels: Readonly<Record<string, string>> = {}): Promise<number | undefined> {
  const lines = (await prometheus.registry.metrics()).split('\n');
  const wanted = Object.entries(labels).map(([label, value]) => `${label}="${value}"`);
  const found = lines.filter(
    (line) => new RegExp(`^${name}[{ ]`).test(line) && wanted.every((one) => line.includes(one)),
  );
  return found.length === 0 ? undefined : found.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
}

test('attempts, retries and deliveries are counted, queues, statuses, lag and pool are read', async () => {
  expect(await sampleOf('intendant_attempts_total', { table: 'vm', point: 'E1', outcome: 'done' })).toBe(1);
  expect(await sampleOf('intendant_retries_total')).toBe(1);
  expect(await sampleOf('intendant_realize_latency_seconds_count', { table: 'vm', point: 'E1' })).toBe(1);
  await eventually(async () =>
    expect(await sampleOf('intendant_deliveries_total', { subscription: 'billing' })).toBe(2),
  );
  await eventually(async () => expect(await sampleOf('intendant_resources', { status: 'REALIZED' })).toBe(1));
  expect(await sampleOf('intendant_queue_jobs', { point: 'E1', state: 'failed' })).toBe(1);
  expect(await sampleOf('intendant_point_heartbeat_age_seconds', { point: 'E1' })).toBeLessThan(30);
  expect(await sampleOf('intendant_subscription_members', { subscription: 'billing' })).toBe(1);
  expect(await sampleOf('intendant_relay_leader')).toBe(1);
  expect(await sampleOf('intendant_pool_connections', { state: 'idle' })).toBeGreaterThan(0);
});

test('every method of the registry reads the gauges again', async () => {
  const { registry } = prometheus;
  const readers = {
    json: () => registry.getMetricsAsJSON(),
    merged: () => Registry.merge([registry]).getMetricsAsJSON(),
    single: async () => [await registry.getSingleMetric(GAUGES.listener.name)?.get()],
  };
  for (const read of Object.values(readers)) {
    registry.getSingleMetric(GAUGES.listener.name)?.reset();
    const gauge = (await read()).find((metric) => metric?.name === GAUGES.listener.name);
    expect((gauge as { values: unknown }).values).toMatchObject([{ value: 1 }]);
  }
});

test('the same values reach an OpenTelemetry SDK', async () => {
  const { resourceMetrics, errors } = await reader.collect();
  expect(errors).toEqual([]);
  const descriptors = resourceMetrics.scopeMetrics.flatMap((scope) =>
    scope.metrics.map(({ descriptor }) => descriptor),
  );
  const found = descriptors.map(({ name }) => name);
  for (const name of [
    'intendant.attempts',
    'intendant.attempt.duration',
    'intendant.resources',
    'intendant.queue.jobs',
  ])
    expect(found).toContain(name);
  expect(descriptors.find(({ name }) => name === 'intendant.queue.oldest.job.age')?.unit).toBe('s');
});

test('statements, intents, attempts and deliveries have spans, with no value of a record in them', async () => {
  const finished = spans.getFinishedSpans();
  const named = (name: string): ReadableSpan[] => finished.filter((span) => span.name === name);
  const [intent] = named('persistIntent vm');
  const statement = finished.find(
    (span) => span.kind === SpanKind.CLIENT && span.parentSpanContext?.spanId === intent?.spanContext().spanId,
  );
  expect(statement?.attributes).toMatchObject({ 'db.system.name': 'postgresql' });
  const attempts = named('process vm').filter((span) => span.attributes['intendant.point'] === 'E1');
  expect(attempts.length).toBeGreaterThanOrEqual(3);
  const failed = attempts.filter(({ status }) => status.code === SpanStatusCode.ERROR);
  expect(failed.map(({ attributes }) => attributes['error.type'])).toContain('_OTHER');
  expect(failed.length).toBeLessThan(attempts.length);
  const within = finished.filter((span) =>
    attempts.some((one) => span.parentSpanContext?.spanId === one.spanContext().spanId),
  );
  expect(new Set(within.map(({ kind }) => kind))).toEqual(new Set([SpanKind.CLIENT])); // the handlers' queries
  expect(named('process vm').some((span) => span.attributes['messaging.consumer.group.name'] === 'billing')).toBe(true);
  const all = JSON.stringify(
    finished.map(({ name, attributes, status, events }) => ({ name, attributes, status, events })),
  );
  expect(all).not.toMatch(/secret|broken|acme/);
});

/** The spans with this name, each with the spans of other traces that it is linked to. */
const linked = (name: string) => {
  const finished = spans.getFinishedSpans();
  return finished
    .filter((span) => span.name === name)
    .map((span) => ({
      span,
      to: span.links.map(
        ({ context }) =>
          finished.find((other) => other.spanContext().spanId === context.spanId)?.name ?? context.traceId,
      ),
    }));
};
const attemptsOf = (count: number) =>
  linked('process vm')
    .filter(({ span }) => span.attributes['intendant.point'] === 'E1')
    .slice(-count);

test('attempts, also repeated ones, and deliveries are linked to the span of their intent', async () => {
  const intents = spans.getFinishedSpans().filter(({ name }) => name === 'persistIntent vm');
  const ids = intents.map((span) => span.spanContext().spanId);
  const attempts = linked('process vm').filter(({ span }) => span.attributes['intendant.point'] === 'E1');
  expect(attempts.map(({ to }) => to)).toEqual(attempts.map(() => ['persistIntent vm']));
  expect(new Set(attempts.map(({ span }) => span.links[0]?.context.spanId))).toEqual(new Set(ids));
  const repeated = attempts.filter(({ span }) => span.links[0]?.context.spanId === ids[1]);
  expect(repeated.length).toBeGreaterThan(1);
  const deliveries = linked('process vm').filter(({ span }) => span.attributes['intendant.point'] === undefined);
  expect(deliveries.flatMap(({ to }) => to)).toEqual(['persistIntent vm', 'persistIntent vm']);
});

test('the link is kept by submitted operations and in transactions', async () => {
  const submitted = await acme.submit.persistIntent(vm, { id: 'VM3', name: 'a' }, { enforcementPoints: ['E1'] });
  await submitted.result({ timeoutMs: 20_000 });
  await acme.waitFor(vm, 'VM3', { status: 'REALIZED', timeoutMs: 20_000 });
  await eventually(() => expect(attemptsOf(1)[0]?.to).toEqual(['submit vm']));
  await store.as(ACME).transaction(async (tx) => {
    await realization.in(tx).persistIntent(vm, { id: 'VM4', name: 'a' }, { enforcementPoints: ['E1'] });
    await realization.in(tx).persistIntents(vm, [{ id: 'VM5', name: 'a' }], { enforcementPoints: ['E1'] });
  });
  await acme.waitFor(vm, 'VM5', { status: 'REALIZED', timeoutMs: 20_000 });
  await acme.waitFor(vm, 'VM4', { status: 'REALIZED', timeoutMs: 20_000 });
  await eventually(() =>
    expect(
      attemptsOf(2)
        .flatMap(({ to }) => to)
        .sort(),
    ).toEqual(['persistIntent vm', 'persistIntents vm']),
  );
});

test('a trace that a tenant wrote itself is truncated and ignored', async () => {
  await store.as(ACME).transaction(async (tx) => {
    await tx.query(`select set_config('intendant.traceparent', $1, true)`, ['é'.repeat(1_000_000)]);
    await tx.query(`insert into vm (org_id, id, name) values ('acme', 'VM6', 'a')`);
  });
  await eventually(() => expect(delivered).toContain('VM6'));
  const { rows } = await withClient(database.adminUrl, (client) =>
    client.query(
      `select length(traceparent)::int as length from intendant.change_log where key = '{VM6}' and table_name like '%vm'`,
    ),
  );
  expect(rows).toEqual([{ length: 55 }]);
  await eventually(() =>
    expect(
      linked('process vm')
        .filter(({ span }) => span.attributes['intendant.point'] === undefined)
        .at(-1)?.to,
    ).toEqual([]),
  );
});

test('without an SDK nothing is stored', async () => {
  trace.disable();
  await acme.persistIntent(vm, { id: 'VM7', name: 'a' }, { enforcementPoints: ['E2'], allowUnknownPoints: true });
  await acme.persistIntents(vm, [{ id: 'VM8', name: 'a' }], { enforcementPoints: ['E2'], allowUnknownPoints: true });
  const { rows } = await withClient(database.adminUrl, (client) =>
    client.query(`select
      (select jsonb_agg(data order by data) from intendant_jobs.job_common where singleton_key ~ 'VM[78]') as jobs,
      (select count(*)::int from intendant.change_log where key[1] ~ 'VM[78]' and traceparent is not null) as traced`),
  );
  expect(rows).toEqual([{ jobs: [{ identity: ['acme', 'VM7'] }, { identity: ['acme', 'VM8'] }], traced: 0 }]);
});

const operations = new URL('../../../docs/operations/', import.meta.url);
const known = new Set([
  ...[...Object.values(COUNTERS), ...Object.values(GAUGES)].map(({ name }) => name as string),
  ...Object.values(HISTOGRAMS).flatMap(({ name }) => [`${name}_bucket`, `${name}_sum`, `${name}_count`]),
]);

test.each(['grafana-dashboard.json', 'prometheus-alerts.yml'])('%s names only metrics that exist', (file) => {
  const text = readFileSync(new URL(file, operations), 'utf8');
  const named = new Set(text.match(/\bintendant_[a-z_]+/g));
  expect(named.size).toBeGreaterThan(5);
  expect([...named].filter((name) => !known.has(name))).toEqual([]);
});

test('options that are misspelt or out of range are refused by name', () => {
  for (const make of [createMetrics, reportMetrics]) {
    const using = (options: object) => () => make({ store, ...options });
    expect(using({ realisation: {} })).toThrow(
      `${make.name}: there is no option "realisation"; did you mean realization?`,
    );
    expect(using({ databaseIntervalMs: -1 })).toThrow(`${make.name}: databaseIntervalMs: expected a number`);
    expect(() => make({} as never)).toThrow(`${make.name}: the option store is missing`);
  }
});

test('every metric is described in the guide', () => {
  const guide = readFileSync(new URL('../guide/operations.md', operations), 'utf8');
  const names = [COUNTERS, HISTOGRAMS, GAUGES].flatMap((group) =>
    Object.values(group).map(({ name }) => name as string),
  );
  expect(names.filter((name) => !guide.includes(`\`${name}\``))).toEqual([]);
});
