import { startTimer } from '../background/timer.ts';
import { InvalidTokenError } from '../error/intendant-error.ts';
import type { Authorizer } from './authorizer.ts';

/** Default time between two calls of the authorizer, in milliseconds. */
const RECHECK_MS = 30_000;

/** A watch over one context, for work that outlives a request, e.g. a stream of changes. */
export interface ContextWatch {
  /** Aborts when the context has ended, with an InvalidTokenError as its reason. */
  readonly signal: AbortSignal;
  /** Ends the watch. */
  end(): void;
}

/**
 * Watches a context until it expires or its authorizer reports it as invalid; the authorizer is called at intervals. If the
 * authorizer throws, the context counts as ended.
 */
export function watchContext<C>(authorizer: Authorizer<C>, context: C, recheckMs: number = RECHECK_MS): ContextWatch {
  const ended = new AbortController();
  let timer = { cancel: () => {} };
  const check = async (): Promise<void> => {
    const reason = await whyEnded(authorizer, context);
    if (reason) ended.abort(reason);
    if (!ended.signal.aborted)
      timer = startTimer(nextCheckMs(authorizer, context, recheckMs), check, { keepsProcess: false });
  };
  void check();
  return {
    signal: ended.signal,
    end: () => {
      ended.abort(new InvalidTokenError('the context is no longer watched, because end() was called'));
      timer.cancel();
    },
  };
}

async function whyEnded<C>(authorizer: Authorizer<C>, context: C): Promise<InvalidTokenError | undefined> {
  try {
    const expiresAt = authorizer.expiresAt?.(context);
    if (expiresAt && expiresAt.getTime() <= Date.now()) return new InvalidTokenError('the context has expired');
    const isValid = (await authorizer.isValid?.(context)) ?? true;
    return isValid ? undefined : new InvalidTokenError('the context is no longer valid');
  } catch (cause) {
    return new InvalidTokenError('it could not be determined whether the context is still valid', { cause });
  }
}

const nextCheckMs = <C>(authorizer: Authorizer<C>, context: C, recheckMs: number): number =>
  Math.max(
    1,
    Math.min(recheckMs, (authorizer.expiresAt?.(context)?.getTime() ?? Number.POSITIVE_INFINITY) - Date.now()),
  );
