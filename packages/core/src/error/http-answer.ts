import { ERROR_CATALOGUE, type ErrorCode, type ErrorName } from './catalogue.ts';
import { IntendantError } from './intendant-error.ts';

/** What a client over HTTP is told of an error. */
export interface HttpAnswer {
  /** The HTTP status code. */
  readonly status: number;
  /** The response body, to be sent as JSON. */
  readonly body: {
    readonly error: { readonly code: ErrorCode; readonly message: string; readonly retryable: boolean };
  };
}

/**
 * The answer for one of the framework's errors; undefined for any other. Clients learn the message of what they can
 * mend; of faults of the server's own (status 500) they learn the code alone.
 */
export function httpAnswer(error: unknown): HttpAnswer | undefined {
  if (!(error instanceof IntendantError)) return undefined;
  const status = ERROR_CATALOGUE[error.name as ErrorName].httpStatus;
  const { code, retryable } = error;
  const message = status === 500 ? 'the server cannot do this; its log tells why' : error.message;
  return { status, body: { error: { code, message, retryable } } };
}
