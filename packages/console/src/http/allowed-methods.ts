import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, MiddlewareHandler } from 'hono';
import { RefusedRequest } from './problem.ts';

/** The methods of one documented path. */
interface AllowedMethods {
  readonly path: RegExp;
  readonly methods: readonly string[];
}

type DescribedApi = Pick<OpenAPIHono, 'openAPIRegistry'>;

/** Refuses a method that a documented path does not have, with 405 and the header `allow`. Other paths pass. */
export function demandMethod(api: DescribedApi): MiddlewareHandler {
  let known: readonly AllowedMethods[] | undefined;
  return async (context, next) => {
    known ??= readMethods(api);
    const methods = methodsAt(known, context);
    if (methods.length > 0 && !methods.includes(context.req.method)) {
      const allow = methods.join(', ');
      throw new RefusedRequest(405, `This path has only: ${allow}.`, { headers: { allow } });
    }
    await next();
  };
}

const methodsAt = (known: readonly AllowedMethods[], { req }: Context): string[] => [
  ...new Set(known.filter(({ path }) => path.test(req.path)).flatMap(({ methods }) => methods)),
];

/** The console may be mounted below any path, so only the end of the path is compared. */
function readMethods(api: DescribedApi): AllowedMethods[] {
  return api.openAPIRegistry.definitions.flatMap((definition) => {
    if (definition.type !== 'route') return [];
    const { path, method } = definition.route;
    const methods = method === 'get' ? ['GET', 'HEAD'] : [method.toUpperCase()];
    return [{ path: new RegExp(`${path.replaceAll(/\{\w+\}/g, '[^/]+')}$`), methods }];
  });
}
