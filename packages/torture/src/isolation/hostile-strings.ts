import type { Random } from '../random.ts';

/** Texts that are plain data, but have a special meaning in some language or protocol. */
export const HOSTILE: readonly string[] = [
  "'; drop table vm; --",
  "\"; select set_config('role', 'postgres', false); --",
  "' or org_id <> '",
  '$1 $$ %s %I {0} #{process.env}',
  '\\x00\\u0000 \\',
  '__proto__',
  'constructor',
  'toString',
  '../../../etc/passwd',
  '%00%2e%2e%2f',
  '<script>alert(1)</script>',
  '{"$ne":null}',
  'null',
  'undefined',
  '-1',
  '9'.repeat(400),
  'é\u0301 \u202e \ufeff \u2028 👩‍👩‍👧‍👦',
  '\n\r\t event: x\ndata: y',
  'a'.repeat(3_000),
  '*',
  '%',
  '_',
];

/** A key that tenants share, or a hostile one. */
export const anyKey = (random: Random): string => (random.chance(0.85) ? `r${random.below(12)}` : random.pick(HOSTILE));

/** JSON that changes the prototype of an object it is merged into. */
export const pollution = (): Record<string, unknown> =>
  JSON.parse(
    '{"__proto__":{"polluted":"yes","orgId":"o1","roles":["service_admin"]},"constructor":{"prototype":{"polluted":"yes"}}}',
  ) as Record<string, unknown>;
