import { type Bindings, type ChildLoggerOptions, type Logger, pino } from 'pino';
import { describeThrown } from './describe-thrown.ts';

const METHODS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] as const;

/**
 * Wraps a user's logger for background parts, so that writing a log line never throws. If a line cannot be written (a
 * thrown value that no serializer accepts, a broken transport), it is written once more with only the text of its
 * `err`. If that fails too, the line is dropped. Children are wrapped as well. Default: a silent logger.
 */
export function guardLogger(logger: Logger = pino({ level: 'silent' })): Logger {
  if (guarded.has(logger)) return logger;
  const guard = Object.create(logger) as Logger;
  for (const method of METHODS) Object.defineProperty(guard, method, { value: guardedMethod(logger, method) });
  Object.defineProperty(guard, 'child', {
    value: (bindings: Bindings, options?: ChildLoggerOptions) => guardLogger(logger.child(bindings, options)),
  });
  guarded.add(guard);
  return guard;
}

const guarded = new WeakSet<Logger>();

type Method = (typeof METHODS)[number];
type Line = readonly unknown[];

const guardedMethod =
  (logger: Logger, method: Method) =>
  (...line: Line): void => {
    if (!write(logger, method, line)) write(logger, method, plainLine(line));
  };

function write(logger: Logger, method: Method, line: Line): boolean {
  try {
    Reflect.apply(logger[method], logger, line);
    return true;
  } catch {
    return false;
  }
}

const plainLine = ([fields, message]: Line): Line =>
  typeof fields === 'string' ? [fields] : [{ reason: describeThrown(errorOf(fields)) }, message];

const errorOf = (fields: unknown): unknown =>
  typeof fields === 'object' && fields !== null && 'err' in fields ? fields.err : fields;
