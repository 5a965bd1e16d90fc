import {
  type Attributes,
  type Link,
  ProxyTracerProvider,
  type Span,
  SpanKind,
  SpanStatusCode,
  type Tracer,
  trace,
} from '@opentelemetry/api';

export { SpanKind };

/** The name and attributes of a span. */
export interface SpanDescription {
  readonly name: string;
  readonly kind: SpanKind;
  readonly attributes: Attributes;
  readonly links?: Link[];
}

const SCOPE_NAME = '@intendant';

/** The tracer of the SDK that the application registered; undefined when it registered none. */
function registeredTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  return provider instanceof ProxyTracerProvider
    ? provider.getDelegateTracer(SCOPE_NAME)
    : provider.getTracer(SCOPE_NAME);
}

/** Whether a tracer is registered. */
export const isTraced = (): boolean => registeredTracer() !== undefined;

/**
 * Runs the function within a span, which ends when the returned promise settles. Without an OpenTelemetry SDK it only
 * calls the function. `errorOf` returns the error in a result, for functions that return errors instead of throwing them.
 */
export function traced<Result>(
  describe: () => SpanDescription,
  run: () => Promise<Result>,
  errorOf: (result: Result) => unknown = () => undefined,
): Promise<Result> {
  const tracer = registeredTracer();
  if (tracer === undefined) return run();
  const { name, kind, attributes, links = [] } = describe();
  return tracer.startActiveSpan(name, { kind, attributes, links }, (span) => untilSettled(span, run, errorOf));
}

async function untilSettled<Result>(
  span: Span,
  run: () => Promise<Result>,
  errorOf: (result: Result) => unknown,
): Promise<Result> {
  try {
    const result = await run();
    const error = errorOf(result);
    if (error !== undefined) markFailed(span, error);
    return result;
  } catch (error) {
    markFailed(span, error);
    throw error;
  } finally {
    span.end();
  }
}

function markFailed(span: Span, error: unknown): void {
  span.setAttribute('error.type', errorType(error));
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** The class of the error, not its message: messages may contain data of users. */
function errorType(error: unknown): string {
  try {
    if (!(error instanceof Error)) return '_OTHER';
    const { code, name } = error as { readonly code?: unknown; readonly name: unknown };
    return String(typeof code === 'string' ? code : name);
  } catch {
    return '_OTHER';
  }
}
