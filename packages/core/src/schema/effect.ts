/** Returns the statement, preceded by a comment on its effect on data. `planSchema` shows it. */
export const withEffect = (effect: string, sql: string): string => `-- ${effect.replaceAll(/\s+/g, ' ')}\n${sql}`;
