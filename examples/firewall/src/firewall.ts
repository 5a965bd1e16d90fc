import type { Observation } from '@intendant/realization';
import { expectedRules, printedRules } from './observed-rules.ts';
import type { Rule } from './policy.ts';
import { type PolicyOwner, removeScript, replaceScript, tableName } from './ruleset.ts';
import { runProgram } from './run-program.ts';

/** A place that policies are applied to. */
export interface Firewall {
  apply(owner: PolicyOwner, rules: readonly Rule[], signal: AbortSignal): Promise<void>;
  remove(owner: PolicyOwner, signal: AbortSignal): Promise<void>;
  observe(owner: PolicyOwner, rules: readonly Rule[], signal: AbortSignal): Promise<Observation>;
}

/** The packet filter of a Linux network namespace. Needs root. */
export function namespaceFirewall(namespace: string): Firewall {
  const nft = (args: readonly string[], input: string, signal: AbortSignal) =>
    runProgram('ip', ['netns', 'exec', namespace, 'nft', ...args], { input, signal });
  return {
    async apply(owner, rules, signal) {
      await nft(['-f', '-'], replaceScript(owner, rules), signal);
    },
    async remove(owner, signal) {
      await nft(['-f', '-'], removeScript(owner), signal);
    },
    async observe(owner, rules, signal) {
      const tables = await nft(['list', 'tables'], '', signal);
      if (!tables.includes(tableName(owner))) return 'missing';
      const found = printedRules(await nft(['-j', 'list', 'table', 'inet', tableName(owner)], '', signal));
      return found.join('\n') === expectedRules(rules).join('\n') ? 'realized' : 'drifted';
    },
  };
}

/** Prints what would be applied, for machines where namespaces cannot be made. */
export function printingFirewall(point: string, print: (text: string) => void): Firewall {
  return {
    async apply(owner, rules) {
      print(`${point}: nft -f - <<EOF\n${replaceScript(owner, rules)}EOF`);
    },
    async remove(owner) {
      print(`${point}: nft -f - <<EOF\n${removeScript(owner)}EOF`);
    },
    observe: async () => 'realized',
  };
}
