import { expect, test } from 'vitest';
import { canonicalRange, overlaps } from './address-range.ts';
import { expectedRules, printedRules } from './observed-rules.ts';
import { policy, type Rule } from './policy.ts';
import { removeScript, replaceScript, tableName } from './ruleset.ts';

const web: Rule = { source: '10.0.0.0/8', protocol: 'tcp', port: 80, action: 'drop' };
const parse = (rules: unknown) => policy.schema.safeParse({ id: 'web', region: 'eu', rules });

test('a policy with contradictory rules, an unknown action or a port out of range is refused', () => {
  expect(parse([web, { ...web, source: '10.1.0.0/16', action: 'accept' }]).error?.issues).toMatchObject([
    { path: ['rules', 1], message: expect.stringContaining('contradicts rule 0') },
  ]);
  expect(parse([web, { ...web, source: '192.168.0.0/16', action: 'accept' }]).success).toBe(true);
  expect(parse([{ ...web, port: 65_536 }]).success).toBe(false);
  expect(parse([{ ...web, action: 'reject' }]).success).toBe(false);
  expect(parse([{ ...web, source: '10.0.0.0/8; flush ruleset' }]).success).toBe(false);
});

test('equal ids of two tenants are two tables, and no character of an id reaches nftables', () => {
  const hostile = { orgId: 'Coke', id: 'x }; flush ruleset' };
  expect(tableName({ orgId: 'Coke', id: 'web' })).not.toBe(tableName({ orgId: 'Pepsi', id: 'web' }));
  expect(replaceScript(hostile, [web]) + removeScript(hostile)).not.toContain('flush');
});

test('ranges are compared and printed as nftables does', () => {
  expect(overlaps('10.0.0.0/8', '10.255.0.1/32')).toBe(true);
  expect(overlaps('10.0.0.0/8', '11.0.0.0/8')).toBe(false);
  expect(overlaps('0.0.0.0/0', '203.0.113.7/32')).toBe(true);
  expect(canonicalRange('10.1.2.3/8')).toBe('10.0.0.0/8');
  expect(canonicalRange('10.1.2.3/32')).toBe('10.1.2.3');
});

test('a listing of nftables is read back as the rules that were applied', () => {
  const match = (field: string, protocol: string, right: unknown) => ({
    match: { op: '==', left: { payload: { protocol, field } }, right },
  });
  const drop = (...matches: unknown[]) => ({ rule: { expr: [...matches, { drop: null }] } });
  const source = match('saddr', 'ip', { prefix: { addr: '10.0.0.0', len: 8 } });
  const listing = (...rules: unknown[]) => JSON.stringify({ nftables: [{ metainfo: {} }, { chain: {} }, ...rules] });
  expect(printedRules(listing(drop(source, match('dport', 'tcp', 80))))).toEqual(expectedRules([web]));
  expect(printedRules(listing(drop(source)))).toEqual(['a rule of another form']);
});
