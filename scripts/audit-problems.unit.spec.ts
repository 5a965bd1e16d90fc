import { expect, test } from 'vitest';
import { auditProblems } from './audit-problems.ts';

const advisory = { module_name: 'pg', title: 'SQL injection', patched_versions: '>=8.1.0' };

test('advisories of moderate severity and above are problems, lower ones are not', () => {
  const advisories = { 1: { ...advisory, severity: 'high' }, 2: { ...advisory, severity: 'low' } };
  expect(auditProblems({ advisories })).toEqual(['pg: high: SQL injection (patched: >=8.1.0) ']);
});

test('an answer without advisories has no problems', () => {
  expect(auditProblems({})).toEqual([]);
});
