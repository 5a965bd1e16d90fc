import type { Statement } from '../exchange/statement.ts';
import { SET_TRACE } from './trace-context.ts';
import { type SpanDescription, SpanKind } from './tracing.ts';

/** The statement that sets the scope. Every exchange begins with it, so spans are not named after it. */
const SCOPE_STATEMENT = 'set-scope';
const SETTINGS: ReadonlySet<string | undefined> = new Set([SCOPE_STATEMENT, SET_TRACE]);

/**
 * Describes the span of one exchange, by the semantic conventions for database clients
 * (https://opentelemetry.io/docs/specs/semconv/database/database-spans/). The text contains placeholders instead of
 * values.
 */
export function describeStatements(statements: readonly Statement[], database: string | undefined): SpanDescription {
  const own = statements.filter(({ name }) => !SETTINGS.has(name));
  const summary = own.map(nameOf).join('; ') || SCOPE_STATEMENT;
  return {
    name: summary,
    kind: SpanKind.CLIENT,
    attributes: {
      'db.system.name': 'postgresql',
      'db.query.summary': summary,
      'db.query.text': own.map(({ text }) => text.trim()).join(';\n'),
      ...(database !== undefined && { 'db.namespace': database }),
      ...(own.length > 1 && { 'db.operation.batch.size': own.length }),
    },
  };
}

/** The statement's name, or its first word. */
const nameOf = ({ name, text }: Statement): string => name ?? /\w+/.exec(text)?.[0].toLowerCase() ?? 'statement';
