/** Raised when an intent is to go to a point that was removed. */
export const REMOVED_POINT_SQLSTATE = 'IN411';

/** That the point whose id is this expression was removed, in SQL. One that nobody announced was not. */
export const isRemovedPoint = (id: string): string =>
  `exists (select from intendant.enforcement_point removed where removed.id = ${id} and removed.state = 'removed')`;
