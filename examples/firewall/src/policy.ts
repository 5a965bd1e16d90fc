import { defineTable } from '@intendant/core';
import { z } from 'zod';
import { overlaps } from './address-range.ts';

const rule = z.object({
  /** Who connects, in CIDR notation. */
  source: z.cidrv4(),
  protocol: z.enum(['tcp', 'udp']),
  port: z.int().min(1).max(65_535),
  action: z.enum(['accept', 'drop']),
});

export type Rule = z.infer<typeof rule>;

/** Two rules that decide differently about the same packet: which one holds would depend on their order. */
const contradict = (a: Rule, b: Rule): boolean =>
  a.protocol === b.protocol && a.port === b.port && a.action !== b.action && overlaps(a.source, b.source);

const rules = z.array(rule).check((context) => {
  context.value.forEach((current, index) => {
    const earlier = context.value.slice(0, index).findIndex((other) => contradict(other, current));
    if (earlier === -1) return;
    context.issues.push({
      code: 'custom',
      input: context.value,
      path: [index],
      message: `contradicts rule ${earlier}: both match ${current.protocol} port ${current.port}, with different actions`,
    });
  });
});

/** What a tenant declares. Packets that no rule matches are accepted. */
export const policy = defineTable('firewall_policy', {
  schema: z.object({ id: z.string().min(1).max(60), region: z.string(), rules }),
});

export const ROLES = { tenant_admin: 'tenant_writer', service_auditor: 'reader' } as const;
