import type { IsolationFinding } from './finding.ts';

/** Of what register would run for the framework's own objects, that which concerns who may see them. */
const PROTECTION: readonly [RegExp, IsolationFinding['rule'], string][] = [
  [/^alter table (?<name>\S+) (enable|force) row level security/, 'row-security', 'row security is off or not forced'],
  [
    /^(create|drop) policy \S+ on (?<name>\S+)/,
    'policy',
    'a policy is missing, altered, or not one that register makes',
  ],
  [
    /^(grant|revoke) .* on (?<name>.+) (to|from) /,
    'grant',
    'a right is missing, or one is held that register does not give',
  ],
];

/** The framework's own tables, sequences and functions: whatever register would change about their protection. */
export const auditFramework = (planned: readonly string[]): IsolationFinding[] =>
  planned.flatMap((sql) => {
    for (const [pattern, rule, message] of PROTECTION) {
      const subject = pattern.exec(sql)?.groups?.['name'];
      if (subject !== undefined) return [{ rule, subject, message: `${subject}: ${message}`, sql }];
    }
    return [];
  });
