import { z } from '@hono/zod-openapi';
import { ERROR_CATALOGUE, type ErrorName, IntendantError } from '@intendant/core';
import { translateError } from '@intendant/core/internal';
import type { Context } from 'hono';
import { HTTPException } from 'hono/http-exception';
import type { ContentfulStatusCode } from 'hono/utils/http-status';

/** An error as described in RFC 9457: the format of every error response of the API. */
export const Problem = z
  .object({
    type: z.string().openapi({ description: 'The kind of problem; `about:blank` where the status says it all.' }),
    title: z.string(),
    status: z.int(),
    detail: z.string().optional().openapi({ description: 'What is wrong with this request, and what to do.' }),
    code: z.string().optional().openapi({ description: 'The code of the error catalogue.' }),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .openapi({ description: 'What is wrong with which field.' }),
  })
  .openapi('Problem');

export type Problem = z.infer<typeof Problem>;

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not signed in',
  403: 'Not allowed',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  413: 'Request too large',
  415: 'Unsupported media type',
  421: 'Wrong host',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Not available now',
};

/** A request that the API refuses. Thrown below a route; returned as a problem document. */
export class RefusedRequest extends Error {
  readonly status: ContentfulStatusCode;
  readonly headers: Readonly<Record<string, string>>;
  readonly errors: Problem['errors'];

  constructor(
    status: ContentfulStatusCode,
    detail: string,
    rest: { readonly headers?: Readonly<Record<string, string>>; readonly errors?: Problem['errors'] } = {},
  ) {
    super(detail);
    this.status = status;
    this.headers = rest.headers ?? {};
    this.errors = rest.errors;
  }
}

export function problemResponse(
  status: number,
  rest: Partial<Problem> = {},
  headers: Readonly<Record<string, string>> = {},
): Response {
  const body: Problem = { type: 'about:blank', title: TITLES[status] ?? 'Error', status, ...rest };
  return new Response(JSON.stringify(body), {
    status,
    headers: { 'content-type': 'application/problem+json', 'cache-control': 'no-store', ...headers },
  });
}

/** What a caller is told about an error. */
export interface ProblemDescription extends Partial<Problem> {
  readonly status: number;
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Describes an error without anything internal. An unknown error has status 500; the log has its text. */
export function describeProblem(error: unknown): ProblemDescription {
  if (error instanceof RefusedRequest) {
    const { status, message, headers, errors } = error;
    return { status, detail: message, headers, ...(errors && { errors }) };
  }
  if (error instanceof HTTPException) return { status: error.status, detail: error.message };
  const known = translateError(error, { operation: 'console' });
  return (known instanceof IntendantError ? describeKnown(known) : undefined) ?? FAILED;
}

const FAILED: ProblemDescription = { status: 500, detail: 'The server failed; its log tells why.' };

function describeKnown(error: IntendantError): ProblemDescription | undefined {
  const { code, retryable, message } = error;
  if (retryable || code === 'OPERATION_CANCELLED') {
    const detail = 'The database does not respond in time. Try again in a few seconds.';
    return { status: 503, detail, code, headers: { 'retry-after': '2' } };
  }
  const { httpStatus } = ERROR_CATALOGUE[error.name as ErrorName];
  return httpStatus === 500 ? undefined : { status: httpStatus, detail: message, code };
}

/** Turns an error thrown by a route into a response. Server errors are logged, and their text is not sent. */
export const answerError =
  (log: (error: unknown, context: Context) => void) =>
  (error: unknown, context: Context): Response => {
    const { status, headers, ...problem } = describeProblem(error);
    if (status === 500) log(error, context);
    return problemResponse(status, problem, headers);
  };
