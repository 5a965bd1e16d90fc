import { OpenAPIHono } from '@hono/zod-openapi';
import type { DataStoreInternals } from '@intendant/core/internal';
import type { Realization } from '@intendant/realization';
import type { Subscriptions } from '@intendant/subscription';
import type { Logger } from 'pino';
import type { ActionRuns } from './action/action-runs.ts';
import type { Access } from './caller/access.ts';
import type { Caller } from './caller/caller.ts';
import { RefusedRequest } from './http/problem.ts';

/** What every part of the console receives. */
export interface ConsoleParts {
  readonly store: DataStoreInternals;
  readonly realization: Realization<unknown>;
  readonly subscriptions: Subscriptions;
  readonly logger: Logger;
  readonly runs: ActionRuns;
  readonly mayAct: (context: unknown, action: string) => boolean;
}

/** What a request's handlers pass on to each other. */
export interface ConsoleEnv {
  Variables: { caller: Caller; access: Access };
}

/** A router that checks requests against their schemas. Invalid ones are refused with a problem document. */
export const makeRouter = (): OpenAPIHono<ConsoleEnv> =>
  new OpenAPIHono<ConsoleEnv>({
    defaultHook: (result) => {
      if (result.success) return;
      const errors = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
      throw new RefusedRequest(400, 'The request does not fit its description in /openapi.json.', { errors });
    },
  });
