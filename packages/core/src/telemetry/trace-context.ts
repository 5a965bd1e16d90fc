import { context, isSpanContextValid, type Link, type SpanContext, TraceFlags, trace } from '@opentelemetry/api';
import type { Statement } from '../exchange/statement.ts';
import { isTraced } from './tracing.ts';

/*
 * A trace context travels with a job and with a change, in the form of W3C's header `traceparent`
 * (https://www.w3.org/TR/trace-context/#traceparent-header). It reaches the database as a setting of the transaction, from
 * which the job's function and the change log's default take it. Without an SDK, and outside a trace that is sampled,
 * nothing is set and nothing is stored.
 */

const SETTING = 'intendant.traceparent';
const SET_VALUE = `pg_catalog.current_setting('${SETTING}', true)`;

/**
 * SQL that makes something of the transaction's trace context, and something else where there is none. Every name and operator is
 * qualified, so that it can be part of a function without a search_path.
 */
export const whenTraced = (value: (traceparent: string) => string, otherwise: string): string =>
  `case when coalesce(${SET_VALUE}, '') operator(pg_catalog.<>) '' then ${value(`pg_catalog."left"(${SET_VALUE}, 55)`)} else ${otherwise} end`;

/** The name of the statement below; it says nothing about what an exchange does. */
export const SET_TRACE = 'set-trace';

const setTrace = (traceparent: string): Statement => ({
  name: SET_TRACE,
  text: `select set_config('${SETTING}', $1, true)`,
  values: [traceparent],
});

/** What comes before an exchange: nothing unless it is part of a sampled trace. */
export function traceStatements(): Statement[] {
  const active = activeTraceparent();
  return active === undefined ? [] : [setTrace(active)];
}

/** The same in a longer transaction, where an earlier exchange may have set another trace. */
export const traceStatementsWithin = (): Statement[] => (isTraced() ? [setTrace(activeTraceparent() ?? '')] : []);

/** The context of the active span; undefined without an SDK, and outside a sampled trace. */
export function activeTraceparent(): string | undefined {
  const active = isTraced() ? trace.getSpanContext(context.active()) : undefined;
  if (active === undefined || !isSpanContextValid(active) || (active.traceFlags & TraceFlags.SAMPLED) === 0) return;
  return `00-${active.traceId}-${active.spanId}-01`;
}

const FORM = /^00-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}$/;

/** A stored context; undefined for anything else that is stored there, since tenants can write it. */
function readTraceparent(stored: unknown): SpanContext | undefined {
  const [, traceId, spanId] = (typeof stored === 'string' && FORM.exec(stored)) || [];
  if (traceId === undefined || spanId === undefined) return;
  const read = { traceId, spanId, traceFlags: TraceFlags.SAMPLED, isRemote: true };
  return isSpanContextValid(read) ? read : undefined;
}

/** Links to the spans that these stored contexts name, each once. */
export function linksTo(stored: readonly unknown[]): Link[] {
  return [...new Set(stored)]
    .map(readTraceparent)
    .flatMap((found) => (found === undefined ? [] : [{ context: found }]));
}

/** Runs as part of the trace that a stored context names. */
export function withinTrace<Result>(stored: unknown, run: () => Result): Result {
  const found = isTraced() ? readTraceparent(stored) : undefined;
  return found === undefined ? run() : context.with(trace.setSpanContext(context.active(), found), run);
}
