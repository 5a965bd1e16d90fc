import { Code, ConnectError, type Interceptor } from '@connectrpc/connect';
import { type ErrorCode, IntendantError } from '@intendant/core';

/** Errors on which a caller can act. All others become Internal, without their message. */
const CODES: Partial<Record<ErrorCode, Code>> = {
  RECORD_NOT_FOUND: Code.NotFound,
  REVISION_CONFLICT: Code.Aborted,
  DUPLICATE_RECORD: Code.AlreadyExists,
  OPERATION_NOT_ALLOWED: Code.PermissionDenied,
  INVALID_TOKEN: Code.Unauthenticated,
  MISSING_CONTEXT: Code.Unauthenticated,
  MISSING_ORG_ID: Code.Unauthenticated,
  MISSING_INSTANCE_ID: Code.Unauthenticated,
  INVALID_RECORD: Code.InvalidArgument,
  TRANSACTION_CONFLICT: Code.Aborted,
  OPERATION_CANCELLED: Code.Canceled,
  CONNECTION: Code.Unavailable,
};

/** Translates the framework's errors to gRPC status codes, also in the middle of a stream. */
export const withErrorCodes: Interceptor = (next) => async (request) => {
  try {
    const response = await next(request);
    return response.stream ? { ...response, message: guarded(response.message) } : response;
  } catch (error) {
    throw withCode(error);
  }
};

async function* guarded<T>(messages: AsyncIterable<T>): AsyncIterable<T> {
  try {
    yield* messages;
  } catch (error) {
    throw withCode(error);
  }
}

function withCode(error: unknown): unknown {
  if (!(error instanceof IntendantError)) return error;
  const code = CODES[error.code];
  if (code === undefined) return new ConnectError('internal error', Code.Internal, undefined, undefined, error);
  return new ConnectError(error.message, code, undefined, undefined, error);
}
