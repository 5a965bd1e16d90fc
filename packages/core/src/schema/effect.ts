/** A statement with a comment in front that says what it does to data: what `planSchema` shows. */
export const withEffect = (effect: string, sql: string): string => `-- ${effect.replaceAll(/\s+/g, ' ')}\n${sql}`;
