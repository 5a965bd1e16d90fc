import { shellQuoted } from '../output/shell-quoted.ts';
import type { Check } from './examination.ts';

const HIGH_LAG = 1000;

/** Durable subscriptions with waiting changes or dead letters. */
export const checkSubscriptions: Check = async ({ workspace, has }) => {
  if (!(await has('intendant.change_log'))) return [];
  const found = await (await workspace.subscriptions()).list();
  return found.flatMap(({ name, members, lag, deadLetters }) => [
    ...(lag >= HIGH_LAG || (members === 0 && lag > 0)
      ? [
          {
            check: 'lag',
            severity: 'warning' as const,
            subject: `subscription ${name}`,
            message: `${members === 0 ? 'it has no member' : `it has ${members} members`}, and ${lag} changes wait`,
            cure: `Start its subscriber, or, if it is no longer needed, intendant subscriptions forget ${shellQuoted(name)}.`,
          },
        ]
      : []),
    ...(deadLetters > 0
      ? [
          {
            check: 'dead-letters',
            severity: 'warning' as const,
            subject: `subscription ${name}`,
            message: `${deadLetters} of its changes reached the limit of attempts and are dead letters`,
            cure: `intendant dead-letters list ${shellQuoted(name)}; then replay or drop them.`,
          },
        ]
      : []),
  ]);
};

/** Whether a process announces changes. */
export const checkRelay: Check = async ({ workspace, has }) => {
  if (!(await has('intendant.relay_leader'))) return [];
  const leaders = await workspace.query(
    `select from intendant.relay_leader l join pg_locks k on k.pid = l.pid
     where k.locktype = 'advisory' and k.granted and k.objsubid = 1 and (k.classid::bigint << 32) + k.objid::bigint = l.key`,
  );
  if (leaders.length > 0) return [];
  return [
    {
      check: 'relay',
      severity: 'warning',
      subject: 'feed',
      message: 'no process announces changes, so subscribers and workers receive none',
      cure: 'Run a process with createSubscriptions (without relay: false), e.g. a worker.',
    },
  ];
};

/** Disabled triggers of the framework. */
export const checkTriggers: Check = async ({ workspace }) => {
  const rows = await workspace.query<{ table: string; trigger: string }>(
    `select t.tgrelid::regclass::text as table, quote_ident(t.tgname) as trigger
     from pg_trigger t join pg_class c on c.oid = t.tgrelid join pg_namespace n on n.oid = c.relnamespace
     where n.nspname = $1 and t.tgenabled in ('D', 'R') and not t.tgisinternal and t.tgname like 'intendant%'`,
    [workspace.schemaName],
  );
  const setting = (await workspace.distribution()) ? 'set citus.enable_unsafe_triggers = on; ' : '';
  return rows.map(({ table, trigger }) => ({
    check: 'trigger',
    severity: 'error',
    subject: `${trigger} on ${table}`,
    message:
      'the trigger is disabled: changes do not reach the feed, or revisions are not kept; subscribers must list the table again afterwards',
    cure: `${setting}alter table ${table} enable trigger ${trigger}`,
  }));
};
