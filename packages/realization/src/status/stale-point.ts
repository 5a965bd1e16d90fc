/** SQL condition: the point or worker under this alias has sent no heartbeat for too long. */
export const isSilent = (alias: string): string =>
  `${alias}.heartbeat_at < clock_timestamp() - ${alias}.stale_after_ms * interval '1 ms'`;

/** SQL condition: the point with this id is stale. Every caller may read the registry. */
export const isStalePoint = (id: string): string =>
  `exists (select from intendant.enforcement_point p where p.id = ${id} and p.state = 'live' and ${isSilent('p')})`;
