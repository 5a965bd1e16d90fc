import { ERROR_CATALOGUE, type ErrorCode, type ErrorName } from './catalogue.ts';
import { IntendantError } from './intendant-error.ts';

/** The HTTP response for an error. */
export interface HttpErrorResponse {
  /** The HTTP status code. */
  readonly status: number;
  /** The response body, to be sent as JSON. */
  readonly body: {
    readonly error: { readonly code: ErrorCode; readonly message: string; readonly retryable: boolean };
  };
}

/**
 * Returns the HTTP response for an error of the framework; undefined for any other error. The body contains the error's
 * message, except for server errors (status 500), where it contains the code and a fixed sentence.
 */
export function httpErrorResponse(error: unknown): HttpErrorResponse | undefined {
  if (!(error instanceof IntendantError)) return undefined;
  const status = ERROR_CATALOGUE[error.name as ErrorName].httpStatus;
  const { code, retryable } = error;
  const message = status === 500 ? 'the server failed; see its log' : error.message;
  return { status, body: { error: { code, message, retryable } } };
}
