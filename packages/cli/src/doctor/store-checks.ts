import { auditIsolation } from '@intendant/core';
import { planSchema } from '../database/plan-schema.ts';
import { counted } from '../output/counted.ts';
import type { Check } from './examination.ts';

/** Everything that would let one tenant reach another's rows. */
export const checkIsolation: Check = async ({ workspace, realized }) => {
  await (realized.length > 0 ? workspace.realization() : workspace.store());
  const found = await auditIsolation(await workspace.store());
  return found.map(({ rule, subject, message, sql }) => ({
    check: `isolation/${rule}`,
    severity: 'error',
    subject,
    message,
    cure: sql.replaceAll(/\s+/g, ' '),
  }));
};

/** The differences between the configuration's tables and the database. */
export const checkSchema: Check = async ({ workspace }) => {
  if (workspace.settings.tables === undefined) return [];
  const statements = await planSchema(await workspace.schemaSettings());
  if (statements.length === 0) return [];
  return [
    {
      check: 'schema',
      severity: 'error',
      subject: counted(statements.length, 'statement'),
      message: 'the database differs from what the tables of the configuration need',
      cure: 'intendant schema --sql shows what is missing; intendant schema --apply runs it.',
    },
  ];
};
