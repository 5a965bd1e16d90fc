import { DISTRIBUTED_DDL } from '../schema/plan-distribution.ts';
import type { IsolationFinding } from './finding.ts';

interface Rule {
  /** Matches a statement that register would run; `name` is the object it concerns. */
  readonly pattern: RegExp;
  readonly rule: IsolationFinding['rule'];
  readonly message: string;
  /** The repair, if it is more than the statement itself. */
  readonly repair?: (sql: string, groups: Readonly<Record<string, string>>) => string;
}

/** Statements of register about access to the framework's own objects, and about the triggers of the feed. */
const RULES: readonly Rule[] = [
  {
    pattern: /^alter table (?<name>\S+) (enable|force) row level security/,
    rule: 'row-security',
    message: 'row security is off or not forced',
  },
  {
    pattern: /^(create|drop) policy \S+ on (?<name>\S+)/,
    rule: 'policy',
    message: 'a policy is missing, altered, or not one that register makes',
  },
  {
    pattern: /^(grant|revoke) .* on (?<name>.+) (to|from) /,
    rule: 'grant',
    message: 'a right is missing, or one is held that register does not give',
  },
  {
    pattern: /^alter table (?<name>\S+) replica identity full/,
    rule: 'feed',
    message: 'its replica identity is not FULL, so changes in the feed lack old and unchanged values',
  },
  {
    pattern: /^alter publication \S+ add table (?<name>\S+)/,
    rule: 'feed',
    message: 'the publication of the feed does not include it, so its changes are not in the feed',
  },
  {
    pattern: /^create trigger (?<trigger>intendant_append_\w+) .*? on (?<name>\S+) /,
    rule: 'feed',
    message: 'a trigger of the feed is missing or disabled, so changes are not in the feed',
    repair: (sql, { trigger, name }) => `drop trigger if exists ${trigger} on ${name};\n${sql}`,
  },
];

/**
 * Returns the findings about the framework's own tables, sequences, functions and triggers, derived from the
 * statements that register would run.
 */
export const auditFramework = (planned: readonly string[], isDistributed: boolean): IsolationFinding[] => {
  const settings = isDistributed ? DISTRIBUTED_DDL : []; // Without them Citus refuses triggers.
  return planned.flatMap((sql) => {
    for (const { pattern, rule, message, repair } of RULES) {
      const groups = pattern.exec(sql)?.groups;
      const subject = groups?.['name'];
      if (!groups || subject === undefined) continue;
      const statements = repair ? [...settings, repair(sql, groups)] : [sql];
      return [{ rule, subject, message: `${subject}: ${message}`, sql: statements.join(';\n') }];
    }
    return [];
  });
};
