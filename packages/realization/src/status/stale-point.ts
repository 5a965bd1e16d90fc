/** Whether the point, or the worker, under this alias has sent no heartbeat for too long, in SQL. */
export const isSilent = (alias: string): string =>
  `${alias}.heartbeat_at < clock_timestamp() - ${alias}.stale_after_ms * interval '1 ms'`;

/** Whether the point whose id is this expression is stale, in SQL. Every caller may read the registry. */
export const isStalePoint = (id: string): string =>
  `exists (select from intendant.enforcement_point p where p.id = ${id} and p.state = 'live' and ${isSilent('p')})`;
