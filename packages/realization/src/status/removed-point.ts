/** Raised for an intent at a point that was removed. */
export const REMOVED_POINT_SQLSTATE = 'IN411';

/** SQL condition: the point whose id is this expression was removed. A point that was never announced was not. */
export const isRemovedPoint = (id: string): string =>
  `exists (select from intendant.enforcement_point removed where removed.id = ${id} and removed.state = 'removed')`;
