import { z } from 'zod';
import { canonicalRange } from './address-range.ts';
import type { Rule } from './policy.ts';

/*
 * `nft -j list table` prints the table as JSON: https://man.archlinux.org/man/libnftables-json.5. A rule is a list of
 * expressions: two matches (source, port) and a verdict. A rule of another form was not written by this program.
 */
const prefix = z.object({ prefix: z.object({ addr: z.string(), len: z.number() }) });
const match = z.object({
  match: z.object({
    op: z.literal('=='),
    left: z.object({ payload: z.object({ protocol: z.string(), field: z.enum(['saddr', 'dport']) }) }),
    right: z.union([z.string(), z.number(), prefix]),
  }),
});
const verdict = z.union([z.object({ accept: z.null() }), z.object({ drop: z.null() })]);
const nftRule = z.object({ rule: z.object({ expr: z.tuple([match, match, verdict]) }) });
const listing = z.object({ nftables: z.array(z.record(z.string(), z.unknown())) });

function printedRule(entry: unknown): string {
  const parsed = nftRule.safeParse(entry);
  if (!parsed.success) return 'a rule of another form';
  const [source, port, action] = parsed.data.rule.expr;
  const { right } = source.match;
  const range = typeof right === 'object' ? `${right.prefix.addr}/${right.prefix.len}` : String(right);
  return `${range} ${port.match.left.payload.protocol} ${String(port.match.right)} ${Object.keys(action)[0]}`;
}

/** The rules of a listing in one line each, in their order. */
export const printedRules = (json: string): string[] =>
  listing
    .parse(JSON.parse(json))
    .nftables.filter((entry) => 'rule' in entry)
    .map(printedRule);

/** The same for the rules of a policy, to compare with. */
export const expectedRules = (rules: readonly Rule[]): string[] =>
  rules.map(({ source, protocol, port, action }) => `${canonicalRange(source)} ${protocol} ${port} ${action}`);
