import { CALLERS, type Caller } from './caller.ts';
import type { SystemUnderTest } from './entry-point.ts';
import type { ResponseRecorder } from './response-recorder.ts';
import { cell, doc } from './tables.ts';

/** When repeated, these make a bad regular expression or merge function take quadratic time or worse. */
const SEEDS = [
  'a',
  ' ',
  '\t',
  '0',
  '.',
  '/',
  '%',
  '(',
  '[',
  '{',
  '"',
  "'",
  '\\',
  '-',
  '_',
  ',',
  ';',
  '=',
  'ab',
  'a ',
  '""',
];
const LENGTH = 50_000;
const LIMIT_MS = 1_000;

type Try = (system: SystemUnderTest, text: string, caller: Caller) => unknown;

/** Public functions that parse texts. */
const TRIES: Readonly<Record<string, Try>> = {
  'the org of a context': ({ store }, text) =>
    store.as({ orgId: text, roles: ['tenant_admin'], instanceId: 'i0' }).find(doc, 'r1'),
  'a role of a context': ({ store }, text) =>
    store.as({ orgId: 'o1', roles: [text], instanceId: 'i0' }).find(doc, 'r1'),
  'a key': ({ store }, text, { context }) => store.as(context).find(doc, text),
  'a sort column': ({ store }, text, { context }) =>
    store.as(context).findMany(doc, { orderBy: { [text]: 'asc' } as never }),
  'a point': ({ realization }, text, { context }) =>
    realization.as(context).markSuccess(cell, { id: 'r1', revision: 1 }, text),
  'an error of a mark': ({ realization }, text, { context }) =>
    realization.as(context).markError(cell, { id: 'r1', revision: 1 }, 'M0', text),
  'the name of a subscription': ({ subscriptions }, text) => subscriptions.forget(text),
  'a bearer token': ({ fetch }, text) =>
    fetch('/api/v1/summary', { headers: { authorization: `Bearer ${encodeURI(text)}` } }),
  'a cookie': ({ fetch }, text) => fetch('/api/v1/summary', { headers: { cookie: encodeURI(text) } }),
  'a path': ({ fetch }, text, { token }) =>
    fetch(`/api/v1/resources/cell/${encodeURIComponent(text)}`, { headers: { authorization: `Bearer ${token}` } }),
  'a query': ({ fetch }, text, { token }) =>
    fetch(`/api/v1/resources?table=cell&after=${encodeURIComponent(text)}`, {
      headers: { authorization: `Bearer ${token}` },
    }),
};

/** Finds functions for which a long text takes much more CPU time of this process than it should. */
export async function findSlowParsers(system: SystemUnderTest, recorder: ResponseRecorder): Promise<void> {
  const [caller] = CALLERS as [Caller];
  for (const [name, parse] of Object.entries(TRIES)) {
    for (const seed of SEEDS) {
      const before = process.cpuUsage();
      await Promise.resolve()
        .then(() => parse(system, `${seed.repeat(LENGTH)}!`, caller))
        .catch((error: unknown) => recorder.error(caller.owner, name, error));
      const { user } = process.cpuUsage(before);
      if (user / 1_000 > LIMIT_MS)
        recorder.violation('a long text costs little time', `${name}, ${JSON.stringify(seed)}: ${user / 1_000} ms`);
    }
  }
}
